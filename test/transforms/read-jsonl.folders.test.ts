import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import t, { type Test } from 'tap';
import { linesOf } from '../../pipeline/arrow/json-row.js';
import type { Needs, OpenSource } from '../../pipeline/component.js';
import { readJsonl } from '../../transforms/read-jsonl.js';
import { openSource, readAll, testContext } from './context.js';

async function write(dir: string, files: Record<string, readonly object[] | string>): Promise<string> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    const text =
      typeof content === 'string' ? content : content.map((row) => `${JSON.stringify(row)}\n`).join('');
    await writeFile(join(dir, path), text);
  }
  return dir;
}

const pool = {
  'lang=en/day=2024-01-01/a.jsonl': [{ docid: 'a', n: 1 }],
  'lang=de/day=2024-01-02/b.jsonl': [
    { docid: 'b', n: 2 },
    { docid: 'b2', n: 9 },
  ],
  'lang=de/day=2024-01-03/c.jsonl': [{ docid: 'c', n: 3 }],
};

const open = (t: Test, path: string, options: object = {}, context = testContext(t)) =>
  openSource(readJsonl, { path, ...options }, context);

const rowsOf = async (source: OpenSource, needs?: Needs) =>
  (await readAll(source, needs)).map(({ columns }) => linesOf(columns)).join('');

t.test('columns from the folders of a path, behind those of the lines', async (t) => {
  const dir = await write(join(t.testdir({}), 'set=x'), pool);
  const source = await open(t, dir);
  t.equal(
    await rowsOf(source),
    '{"docid":"b","n":2,"lang":"de","day":"2024-01-02"}\n' +
      '{"docid":"b2","n":9,"lang":"de","day":"2024-01-02"}\n' +
      '{"docid":"c","n":3,"lang":"de","day":"2024-01-03"}\n' +
      '{"docid":"a","n":1,"lang":"en","day":"2024-01-01"}\n',
  );
  t.equal(
    await rowsOf(source, { columns: ['day'] }),
    '{"day":"2024-01-02"}\n{"day":"2024-01-02"}\n{"day":"2024-01-03"}\n{"day":"2024-01-01"}\n',
  );
  const columns = async (path: string, options: object = {}) =>
    (await open(t, path, options)).schema.fields.map(({ name }) => name);
  t.strictSame(
    [
      await columns(`${dir}/lang=de/*/*.jsonl`),
      await columns(`${dir}/lang=de/day=2024-01-02/b.jsonl`),
      await columns(dir, { hive: false }),
      await columns(`${dir}/lang=de/day=2024-01-02/b.jsonl`, { hive: true }),
    ],
    [
      ['docid', 'n', 'day'],
      ['docid', 'n'],
      ['docid', 'n'],
      ['docid', 'n', 'set', 'lang', 'day'],
    ],
  );
});

t.test('where leaves files out unopened; a bad one among them is no matter', async (t) => {
  const dir = await write(t.testdir({}), { ...pool, 'lang=fr/bad.jsonl': 'no JSON\n' });
  const context = testContext(t);
  const where = { lang: ['de', 'en'], day: { min: '2024-01-02' }, n: { max: 2 } };
  const source = await open(t, dir, { where }, context);
  t.equal(await rowsOf(source), '{"docid":"b","n":2,"lang":"de","day":"2024-01-02"}\n');
  t.strictSame([...context.figures], [['files left out by where', 2]]);
  await t.rejects(open(t, dir), { message: /bad\.jsonl/ });
});

t.test('roles, templates, chosen rows and the names of bundles', async (t) => {
  const dir = await write(t.testdir({}), pool);
  const source = await open(t, dir, { columns: { docid: 'lang', text: '{lang}: {docid}' } });
  const batches = await readAll(source, { roles: ['text', 'docid'] });
  t.strictSame(
    batches.flatMap(({ columns }) => [...columns.getChild('#text')!]),
    ['de: b', 'de: b2', 'de: c', 'en: a'],
  );
  t.strictSame(
    source.bundles.map(({ name, partition }) => [name, partition]),
    [
      ['lang=de/day=2024-01-02/b.jsonl', '[["lang","de"],["day","2024-01-02"]]'],
      ['lang=de/day=2024-01-03/c.jsonl', '[["lang","de"],["day","2024-01-03"]]'],
      ['lang=en/day=2024-01-01/a.jsonl', '[["lang","en"],["day","2024-01-01"]]'],
    ],
  );
  const [bundle] = source.bundles;
  const again: string[] = [];
  for await (const { columns } of source.read(bundle!, { columns: 'all' }, { only: Uint32Array.of(1) }))
    again.push(linesOf(columns));
  t.strictSame(again, ['{"docid":"b2","n":9,"lang":"de","day":"2024-01-02"}\n']);
});

t.test('a column of the lines and of the path is that of the path, and it is said', async (t) => {
  const dir = await write(t.testdir({}), { 'n=7/a.jsonl': [{ docid: 'a', n: 1 }] });
  const context = testContext(t);
  t.equal(await rowsOf(await open(t, dir, {}, context)), '{"docid":"a","n":7}\n');
  t.match(context.notes, [/^n: taken from the names of the folders; .*\(hive: false takes that\)$/]);
  t.equal(await rowsOf(await open(t, dir, { hive: false })), '{"docid":"a","n":1}\n');
});

t.test('types names no column of the path; files without rows have those of the path too', async (t) => {
  const dir = await write(t.testdir({}), { 'lang=en/a.jsonl': '' });
  const context = testContext(t);
  const source = await open(t, dir, { types: { lang: 'json', n: 'int' }, where: { lang: 'en' } }, context);
  t.strictSame(
    source.schema.fields.map(({ name }) => name),
    ['docid', 'doc', 'token_num', 'n', 'lang'],
  );
  t.match(context.notes, [/no file holds rows/]);
});

t.test('the output of a Spark stream is refused', async (t) => {
  const dir = await write(t.testdir({}), { '_spark_metadata/0': 'v1\n', 'part-0.json': '{}\n' });
  for (const path of [dir, `${dir}/*.json`])
    await t.rejects(open(t, path), {
      message: /belongs to the output of a Spark stream .*USING json SELECT \* FROM json/,
    });
});
