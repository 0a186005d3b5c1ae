import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { runCli } from '../../fixtures/cli.js';
import { makeResumable } from '../../fixtures/resumable.js';

t.test('a model leaves nothing in the home and the temporary folder of who runs it', async (t) => {
  const dir = await makeResumable(t, { form: 'jsonl', ranked: false });
  const places = { HOME: join(dir, 'home'), TMPDIR: join(dir, 'temporary') };
  for (const place of Object.values(places)) await mkdir(place);
  // onnxruntime reports nothing where it takes a machine for one that builds software.
  const env = { ...places, CI: undefined, XDG_CACHE_HOME: undefined };
  const { code, stderr } = await runCli(['run', join(dir, 'pipeline.yaml')], { env });
  t.equal(code, 0, stderr);
  for (const place of Object.values(places)) t.same(await readdir(place), []);
});
