import { join } from 'node:path';
import t from 'tap';
import { parsePythonJson, readModelJson } from '../../../transforms/backbone/model-json.js';

t.test("numbers that Python's json writes, and how transformers 5 writes them", async (t) => {
  t.strictSame(
    parsePythonJson(
      '{"a": Infinity, "b": [0.0, -Infinity], "c": NaN, "d": {"__float__": "Infinity"}, "e": 1}',
    ),
    { a: Infinity, b: [0, -Infinity], c: NaN, d: Infinity, e: 1 },
  );
});

t.test('texts stay as they are', async (t) => {
  const json = { Infinity: 'Infinity', b: 'an "Infinity", \\" NaN', c: { __float__: 'x' }, d: ['-Infinity'] };
  t.strictSame(parsePythonJson(JSON.stringify(json)), json);
});

t.test('a byte order mark; what is no JSON', async (t) => {
  const dir = t.testdir({
    'bom.json': '\uFEFF{"a": 1}',
    'broken.json': '{"a": Infinit}',
    'two.json': '{} {}',
  });
  t.strictSame(await readModelJson(join(dir, 'bom.json')), { a: 1 });
  await t.rejects(readModelJson(join(dir, 'broken.json')), { name: 'DataError', message: /not valid JSON/ });
  await t.rejects(readModelJson(join(dir, 'two.json')), /not valid JSON/);
});

t.test('a Git LFS pointer is named', async (t) => {
  const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'46'.repeat(32)}\nsize 1192135096\n`;
  const dir = t.testdir({ 'config.json': pointer });
  await t.rejects(readModelJson(join(dir, 'config.json')), {
    message: `${dir}/config.json: this is a Git LFS pointer, not the file of 1,192,135,096 bytes that it stands for: run "git lfs pull" in its repository, or fetch the model with "hf download"`,
  });
});
