import { appendFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import t, { type Test } from 'tap';
import { placeOf } from '../../pipeline/batch.js';
import { readJsonl } from '../../transforms/read-jsonl.js';
import { names, openSource, readAll, testContext, values } from './context.js';

const lines = (rows: readonly object[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join('');

/** Opens a source over files of given content. */
async function source(
  t: Test,
  files: Record<string, string | Buffer>,
  options: Record<string, unknown> = {},
) {
  const dir = t.testdir({});
  for (const [name, content] of Object.entries(files)) await writeFile(join(dir, name), content);
  const context = testContext(t);
  return { dir, context, opened: await openSource(readJsonl, { path: `${dir}/*`, ...options }, context) };
}

const rows = Array.from({ length: 50 }, (_, i) => ({
  docid: `d${i}`,
  doc: `text ${i}`,
  token_num: i,
  lang: i % 3 === 0 ? 'en' : 'de',
  meta: { source: i % 2 === 0 ? 'web' : null, n: i },
}));

t.test('files are bundles in order, plain or compressed, with the columns of all', async (t) => {
  const { opened } = await source(
    t,
    {
      'b.jsonl': lines(rows.slice(20)),
      'a.jsonl.gz': gzipSync(lines(rows.slice(0, 20))),
      'c.jsonl': lines([{ docid: 'last', extra: 1.5 }]),
    },
    { batch_rows: 7 },
  );
  t.same(
    opened.bundles.map(({ ordinal, file, firstRow }) => [ordinal, basename(file), firstRow]),
    [
      [0, 'a.jsonl.gz', 0],
      [1, 'b.jsonl', 0],
      [2, 'c.jsonl', 0],
    ],
  );
  const batches = await readAll(opened);
  t.ok(batches.every((batch) => batch.rows.length <= 7));
  t.same(names(batches[0]!), ['docid', 'doc', 'token_num', 'lang', 'meta', 'extra']);
  t.same(values(batches, 'docid'), [...rows.map(({ docid }) => docid), 'last']);
  t.same(values(batches, 'extra'), [...rows.map(() => null), 1.5]);
  t.same(values(batches, 'meta'), [...rows.map(({ meta }) => ({ ...meta, n: BigInt(meta.n) })), null]);
});

t.test('CRLF, a byte order mark, blank lines, no end of line', async (t) => {
  const { opened } = await source(t, {
    'a.jsonl': '\ufeff{"docid": "1"}\r\n\r\n  \n{"docid": "2"}\r\n{"docid": "3"}',
  });
  const [batch] = await readAll(opened);
  t.same(values([batch!], 'docid'), ['1', '2', '3']);
  t.same([...batch!.rows], [0, 1, 2], 'rows are numbered without the blank lines');
});

t.test('only what is needed is built', async (t) => {
  const { opened } = await source(
    t,
    { 'a.jsonl': lines(rows) },
    { columns: { docid: 'meta.n' }, where: { lang: 'en' } },
  );
  const [batch] = await readAll(opened, { roles: ['docid'] });
  t.same(names(batch!).sort(), ['lang', 'meta']);
  const [none] = await readAll(opened, {});
  t.equal(none!.rows.length, 17);
});

t.test('where filters and counts; row numbers are those of the file', async (t) => {
  const { opened } = await source(
    t,
    { 'a.jsonl': lines(rows) },
    { where: { 'meta.source': 'web', lang: ['en'] }, batch_rows: 8 },
  );
  const left = new Map<string, number>();
  const batches = await readAll(
    opened,
    { columns: 'all' },
    { leftOut: (reason, n) => left.set(reason, (left.get(reason) ?? 0) + n) },
  );
  const kept = rows.flatMap((row, i) => (row.lang === 'en' && row.meta.source === 'web' ? [i] : []));
  t.same(
    batches.flatMap((batch) => [...batch.rows]),
    kept,
  );
  t.same([...left], [['where', rows.length - kept.length]]);
  t.same(placeOf(batches.find((batch) => batch.rows.length > 0)!, 0).row, 0);
});

t.test('chosen rows are read again, with their numbers', async (t) => {
  const { opened } = await source(t, { 'a.jsonl': lines(rows) }, { batch_rows: 4 });
  for (const only of [[], [0], [49], [0, 3, 4, 5, 30, 49], [...rows.keys()]]) {
    const batches = await readAll(opened, { columns: 'all' }, { only: Uint32Array.from(only) });
    t.same(
      batches.flatMap((batch) => [...batch.rows]),
      only,
    );
    t.same(
      values(batches, 'docid'),
      only.map((row) => `d${row}`),
    );
  }
});

t.test('a file without a row that is kept has its columns', async (t) => {
  const { opened } = await source(t, { 'a.jsonl': lines(rows) }, { where: { lang: 'fr' } });
  const batches = await readAll(opened);
  t.equal(batches.flatMap((batch) => [...batch.rows]).length, 0);
  t.same(names(batches.at(-1)!), ['docid', 'doc', 'token_num', 'lang', 'meta']);
});

t.test('a text template', async (t) => {
  const { opened } = await source(t, { 'a.jsonl': lines(rows) }, { columns: { text: '{lang}: {doc}\n' } });
  const [batch] = await readAll(opened, { roles: ['text'] });
  t.equal(batch!.roles.text, '#text');
  t.equal(values([batch!], '#text')[1], 'de: text 1\n');
  t.same([...batch!.computed], [], 'it can be made again');
});

t.test('nulls in a text template', async (t) => {
  const pool = {
    'a.jsonl': lines([
      { q: 'Why?', a: null },
      { q: null, a: null },
      { q: 'Who?', a: 2.5 },
    ]),
  };
  const read = async (options: object, needs: object) => {
    const { opened } = await source(t, pool, { columns: { docid: 'q', text: '{q}\\n{a}' }, ...options });
    const left: unknown[] = [];
    const [batch] = await readAll(opened, needs, { leftOut: (...found) => left.push(found) });
    return { rows: [...batch!.rows], left, batch: batch! };
  };
  const empty = await read({}, { roles: ['text'] });
  t.same(values([empty.batch], '#text'), ['Why?\n', null, 'Who?\n2.5']);
  const skipped = { rows: [2], left: [['a null in the text template', 2]] };
  t.match(await read({ on_null: 'skip' }, { roles: ['text'] }), skipped);
  t.match(await read({ on_null: 'skip' }, { roles: ['docid'] }), skipped, 'whatever stages need');
});

t.test('types that are named, and how many rows are looked at', async (t) => {
  const late = lines([
    { a: 1, b: 'x' },
    { a: 2, b: 'y' },
    { a: 0.5, b: { c: 1 }, d: true },
  ]);
  await t.rejects(
    source(t, { 'a.jsonl': late }, { infer_rows: 2 }).then(({ opened }) => readAll(opened)),
    { message: /a\.jsonl: line 3: has the column "d"/ },
  );
  for (const options of [
    { infer_rows: 'all' },
    { infer_rows: 2, types: { a: 'float', b: 'json', d: 'bool' } },
  ]) {
    const { opened } = await source(t, { 'a.jsonl': late }, options);
    const batches = await readAll(opened);
    t.same(values(batches, 'a'), [1, 2, 0.5]);
    t.same(values(batches, 'b'), ['"x"', '"y"', '{"c":1}']);
    t.same(values(batches, 'd'), [null, null, true]);
  }
});

t.test('damage is found where it is', async (t) => {
  const cases: [string | Buffer, Record<string, unknown>, RegExp][] = [
    ['{"a": 1}\n{"a": ', {}, /a\.jsonl: line 2: is not JSON: .*; expected one JSON object a line$/],
    ['{"a": 1}\n\n3\n', {}, /a\.jsonl: line 3: expected a JSON object, found 3$/],
    ['null', {}, /a\.jsonl: line 1: expected a JSON object, found null$/],
    ['{"a": 1}', { where: { b: 1 } }, /a\.jsonl: there is no column "b"/],
    [Buffer.from([0x7b, 0x22, 0xff]), {}, /a\.jsonl: line 1: is not valid UTF-8/],
  ];
  for (const [content, options, message] of cases)
    await t.rejects(source(t, { 'a.jsonl': content }, options), { message });
});

t.test('invalid text may be replaced, and is told of', async (t) => {
  const bytes = Buffer.concat([
    Buffer.from('{"a": "x'),
    Buffer.from([0xff]),
    Buffer.from('"}\n{"a": "\\ud800"}\n{"a": "ok"}'),
  ]);
  const { opened, context } = await source(t, { 'a.jsonl': bytes }, { invalid_text: 'replace' });
  t.same(values(await readAll(opened), 'a'), ['x\ufffd', '\ufffd', 'ok']);
  t.match(context.notes, [/a\.jsonl: 2 texts were no valid Unicode and hold U\+FFFD now$/]);
});

t.test('a file that changes between listing and reading', async (t) => {
  const { opened, dir } = await source(t, { 'a.jsonl': lines(rows) });
  await appendFile(join(dir, 'a.jsonl'), lines(rows));
  await t.rejects(readAll(opened), { message: /a\.jsonl: changed during the run/ });
});

t.test('batches of large lines are closed by their bytes', async (t) => {
  const large = Array.from({ length: 5 }, (_, i) => ({ docid: `${i}`, doc: 'x'.repeat(7e6) }));
  const { opened } = await source(t, { 'a.jsonl': lines(large) });
  t.same(
    (await readAll(opened)).map((batch) => batch.rows.length),
    [3, 2],
  );
});

t.test('compressed files are found in a folder, whatever their kind', async (t) => {
  const dir = t.testdir({});
  const content = gzipSync(lines(rows.slice(0, 1)));
  const packed = [
    'a.json.gz',
    'b.jsonl.gz',
    'c.ndjson.gz',
    'd.jsonl',
    'e.jsonl.zst',
    'f.json.zst',
    'g.jsonl.bz2',
  ];
  for (const name of [...packed, 'dataset_info.json', 'README.md']) await writeFile(join(dir, name), content);
  const opened = await openSource(readJsonl, { path: dir }, testContext(t));
  t.strictSame(
    opened.bundles.map(({ file }) => basename(file)),
    packed,
  );
});
