import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { digestOutputs } from '../../../pipeline/publication/checksums.js';
import { verifyManifest, writeManifest } from '../../../pipeline/publication/manifest.js';
import { publishAll } from '../../../pipeline/publication/publish.js';
import { cliHere } from '../../fixtures/cli.js';
import { stageTexts } from '../../fixtures/outputs.js';
import { runRecord } from '../../fixtures/records.js';

/** Publishes two outputs with a manifest beside them. */
async function published(t: Test) {
  const dir = join(t.testdir({ out: {} }), 'out');
  const staged = await stageTexts(dir, ['a.parquet', 'parts'], 'text');
  const outputs = await digestOutputs('write', { rows: 3, ...staged }, new AbortController().signal);
  await publishAll(staged.outputs, { together: true });
  await staged.discard();
  const manifest = join(dir, 'manifest.json');
  await writeManifest(manifest, runRecord('night-1', outputs));
  return { dir, manifest };
}

t.test('the format is stable; paths are relative to the manifest, so that all of it may move', async (t) => {
  const { dir, manifest } = await published(t);
  const sha256 = '982d9e3eb996f559e633f4d194def3761d909f5a3b647d1a851fead67c32c9d1';
  t.strictSame(JSON.parse(readFileSync(manifest, 'utf8')), {
    format: 1,
    run: 'night-1',
    name: 'nightly',
    version: '1.2.3',
    config: { file: '/configs/nightly.yaml', hash: 'abc', params: { day: '2026-11-24' } },
    startedAt: '2026-11-24T02:00:00.000Z',
    endedAt: '2026-11-24T03:00:00.000Z',
    inputs: {
      pool: {
        files: 1,
        bytes: 2,
        rows: 3,
        fingerprint: 'def',
        new: [],
        gone: [],
        changed: [],
        counts: { new: 0, gone: 0, changed: 0 },
      },
    },
    provenance: { 'nag.config': 'abc' },
    stages: [],
    outputs: [
      { stage: 'write', path: 'a.parquet', rows: 3, files: [{ path: 'a.parquet', bytes: 4, sha256 }] },
      {
        stage: 'write',
        path: 'parts',
        rows: 3,
        files: [{ path: 'parts/part-00000.parquet', bytes: 4, sha256 }],
      },
    ],
  });
  t.strictSame(await verifyManifest(manifest), { run: 'night-1', files: 2, faults: [] });
  await rename(dir, `${dir}-moved`);
  t.strictSame((await verifyManifest(join(`${dir}-moved`, 'manifest.json'))).faults, []);
});

t.test('files that differ are told', async (t) => {
  const { dir, manifest } = await published(t);
  writeFileSync(join(dir, 'a.parquet'), 'tex!');
  rmSync(join(dir, 'parts', 'part-00000.parquet'));
  t.strictSame((await verifyManifest(manifest)).faults, [
    `${join(dir, 'a.parquet')}: has other content`,
    `${join(dir, 'parts', 'part-00000.parquet')}: is missing`,
  ]);
  writeFileSync(join(dir, 'a.parquet'), 'longer');
  const { code, stdout, stderr } = await cliHere(['verify', manifest]);
  t.strictSame([code, stdout], [1, '']);
  t.match(stderr, /manifest\.json: 2 of 2 files differ\n.*a\.parquet: has 6 bytes, expected 4\n.*is missing/);
});

t.test('the command, when all is well, without a manifest, and without an argument', async (t) => {
  const { dir, manifest } = await published(t);
  t.match(await cliHere(['verify', manifest]), {
    code: 0,
    stdout: `${manifest}: 2 files as published by run night-1\n`,
  });
  t.match(await cliHere(['verify']), {
    code: 2,
    stderr: /an argument is missing: nag-pipeline verify <manifest>/,
  });
  t.match(await cliHere(['verify', join(dir, 'no.json')]), {
    code: 1,
    stderr: /no\.json: cannot be read: there is no such file or folder/,
  });
  for (const [text, message] of [
    ['{', /is no manifest: .*found no JSON/],
    ['{"format":2}', /is no manifest of format 1 \(format:/],
    ['[]', /is no manifest of format 1 \(the whole:/],
  ] as const) {
    writeFileSync(manifest, text);
    await t.rejects(verifyManifest(manifest), { name: 'DataError', message });
  }
});

t.test('a manifest that cannot be written leaves the old one, and nothing else', async (t) => {
  const dir = t.testdir({ 'manifest.json': { full: '' } });
  await t.rejects(writeManifest(join(dir, 'manifest.json'), runRecord('night-1', [])), {
    name: 'DataError',
    message: /manifest\.json: cannot be written/,
  });
  t.strictSame(readdirSync(dir), ['manifest.json']);
});
