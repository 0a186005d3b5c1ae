import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { Batch } from '../../../pipeline/batch.js';
import { readParquet } from '../../../transforms/read-parquet.js';
import { goldenDir } from '../../fixtures/golden.js';
import { jsonOf } from '../../fixtures/parquet-rows.js';
import type { Told } from '../../fixtures/rejecting.js';
import { openSource, readAll, testContext } from '../context.js';

/** A pool of the file with text that is no valid UTF-8 in rows 1, 2 and 4. */
async function pool(t: Test, options: Record<string, unknown>, rejected?: Told[]) {
  const dir = t.testdir({});
  await mkdir(join(dir, 'pool'));
  const file = join(dir, 'pool', 'a.parquet');
  await cp(join(goldenDir('types'), 'invalid-text.parquet'), file);
  const context = testContext(t, rejected);
  return {
    file,
    context,
    opened: await openSource(readParquet, { path: `${dir}/pool`, ...options }, context),
  };
}

const rowsOf = (batches: readonly Batch[]) => jsonOf(batches.map(({ columns }) => columns));

t.test('a row with text that is not valid is named', async (t) => {
  const { file, opened } = await pool(t, {});
  await t.rejects(readAll(opened), {
    name: 'DataError',
    place: { file, row: 1, column: /text|tags/ },
    reason: /is not valid UTF-8; set invalid_text: replace, leave such rows out with on_error/,
  });
});

t.test('where the run goes on, these rows are rejected one by one', async (t) => {
  const rejected: Told[] = [];
  const { opened } = await pool(t, {}, rejected);
  const batches = await readAll(opened);
  t.strictSame(
    rowsOf(batches).map(({ docid }) => docid),
    ['a', 'd'],
  );
  t.strictSame(
    batches.flatMap(({ rows }) => [...rows]),
    [0, 3],
  );
  t.strictSame(
    rejected.map(({ row }) => row),
    [1, 2, 4],
  );
});

t.test('also for columns that only the output will need, where rows are read again', async (t) => {
  const rejected: Told[] = [];
  const { opened } = await pool(t, {}, rejected);
  const needs = { columns: ['docid'] };
  const batches = await readAll(opened, needs, { mayReread: true });
  t.strictSame(rowsOf(batches), [{ docid: 'a' }, { docid: 'd' }]);
  t.strictSame(rowsOf(await readAll(opened, needs)).length, 5, 'otherwise nobody looks');
  const chosen = await readAll(opened, { columns: 'all' }, { only: Uint32Array.from([0, 3]) });
  t.strictSame(
    rowsOf(chosen).map(({ text }) => text),
    ['fine', 'ü'],
  );
});

t.test(
  'a run that ends with the first says so when documents are read, not when rows are read again',
  async (t) => {
    const { opened } = await pool(t, { columns: { text: 'docid' } });
    await t.rejects(readAll(opened, { roles: ['text'] }, { mayReread: true }), { message: /row 1, column/ });
  },
);

t.test('replaced, and counted', async (t) => {
  const { opened, context } = await pool(t, { invalid_text: 'replace' });
  t.strictSame(rowsOf(await readAll(opened)), [
    { docid: 'a', text: 'fine', site: 'ok', tags: ['fine'] },
    { docid: 'b', text: 'caf\uFFFD', site: 'ok', tags: ['caf\uFFFD'] },
    { docid: 'c', text: null, site: '\uFFFD', tags: [null] },
    { docid: 'd', text: 'ü', site: 'ok', tags: ['ü'] },
    { docid: 'e', text: '\uFFFD', site: 'ok', tags: ['\uFFFD'] },
  ]);
  t.strictSame([...context.figures], [['texts replaced', 5]]);
});

t.test('rows that where leaves out are not looked at', async (t) => {
  const rejected: Told[] = [];
  const { opened } = await pool(t, { where: { docid: ['a', 'b'] } }, rejected);
  t.strictSame(rowsOf(await readAll(opened)).length, 1);
  t.strictSame(
    rejected.map(({ row }) => row),
    [1],
  );
});

t.test('columns that are left out are as if they were not there', async (t) => {
  const { opened } = await pool(t, { without: ['text', 'site', 'tags'] });
  t.strictSame(
    opened.schema.fields.map(({ name }) => name),
    ['docid'],
  );
  t.strictSame(rowsOf(await readAll(opened)).length, 5);
  await t.rejects(pool(t, { without: ['txt'] }), {
    message: /without: there is no column "txt" \(columns: docid, text/,
  });
});
