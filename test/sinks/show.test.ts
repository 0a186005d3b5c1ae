import { Field, Float64, Int32, List, Struct, Utf8 } from 'apache-arrow';
import t from 'tap';
import { show } from '../../sinks/show.js';
import { batchOf, type Column, recordBatch } from '../fixtures/engine.js';

async function reportOf(
  batches: readonly Readonly<Record<string, Column>>[],
  options: Record<string, unknown>,
  computed: readonly string[] = [],
) {
  const input = (async function* () {
    for (const [i, columns] of batches.entries())
      yield { ...batchOf(recordBatch(columns), i), computed: new Set(computed) };
  })();
  // A sink that prints does not ask the run for anything.
  const prepared = await show.run(
    input,
    show.options.parse(options),
    new Proxy({} as Parameters<typeof show.run>[2], {}),
    new Map(),
  );
  t.strictSame([prepared.files, prepared.outputs], [[], []]);
  return { rows: prepared.rows, lines: (prepared.report ?? '').split('\n').map((line) => line.trim()) };
}

const text = new Utf8();
const int = new Int32();
const float = new Float64();

t.test('the first rows, as a table', async (t) => {
  const batches = [1, 2, 3].map((n) => ({
    docid: [text, [`a${n}`, `b${n}`]] as const,
    doc: [text, ['some\n\ttext', null]] as const,
    d: [float, [n / 3, n]] as const,
  }));
  const { rows, lines } = await reportOf(batches, { title: 'Rows', columns: ['docid', 'd', 'doc'], rows: 3 });
  t.equal(rows, 6);
  t.strictSame(
    lines.map((line) => line.replace(/ {2,}/g, ' ')),
    ['Rows', 'docid d doc', 'a1 0.3333 some text', 'b1 1 -', 'a2 0.6667 some text', '… and 3 more'],
  );
});

t.test('ranked rows best first, whatever their batches; long text is cut', async (t) => {
  const batches = [
    [5, 0],
    [3, 1],
    [4, 2],
  ].map((ranks) => ({
    nag_rank: [int, ranks] as const,
    doc: [text, ranks.map((rank) => `${rank} ${'x'.repeat(100_000)}`)] as const,
  }));
  const { lines } = await reportOf(batches, { columns: ['nag_rank', 'doc'], rows: 4 }, ['nag_rank']);
  t.strictSame(
    lines.slice(1, 5).map((line) => line.split(/ +/)[0]),
    ['0', '1', '2', '3'],
  );
  t.equal(lines[1]!.length <= 80, true);
});

t.test('ranks that were read from a file do not order the rows', async (t) => {
  const batches = [[0, 1], [0]].map((ranks) => ({ nag_rank: [int, ranks] as const }));
  const { lines } = await reportOf(batches, { columns: ['nag_rank'] });
  t.strictSame(lines, ['nag_rank', '0', '1', '0']);
});

t.test('lists and structs, with few digits', async (t) => {
  const reason = new Struct([new Field('layer', int, false), new Field('weight', float, false)]);
  const cells = [[{ layer: 3, weight: 1 / 60 }], []];
  const { lines } = await reportOf(
    [
      {
        shares: [new List(new Field('item', float, false)), [[1 / 3, 0.5], []]],
        reasons: [new List(new Field<typeof reason>('item', reason, false)), cells],
      },
    ],
    { columns: ['shares', 'reasons'] },
  );
  t.match(lines[1], /^\[0\.3333, 0\.5000\] +\[layer: 3 weight: 0\.0167\]$/);
  t.match(lines[2], /^\[\] +\[\]$/);
});

t.test('groups by mean distance, or by size where there is none', async (t) => {
  const kind = ['near', 'far', 'near', null];
  const batch = { kind: [text, kind] as const, nag_distance: [float, [0.2, 0.8, 0.4, 1]] as const };
  const { lines } = await reportOf([batch], { by: 'kind' });
  t.match(lines[0], /^kind +rows +mean nag_distance +similarity$/);
  t.match(lines[1], /^near +2 +0\.3000 +█{24}$/);
  t.match(lines[2], /^far +1 +0\.8000 +█{7}$/);
  t.match(lines[3], /^- +1 +1\.0000 +█$/);
  const sizes = await reportOf([{ kind: batch.kind }], { by: 'kind' });
  t.strictSame(
    sizes.lines.map((line) => line.replace(/ {2,}/g, ' ')),
    ['kind rows', 'near 2', 'far 1', '- 1'],
  );
});

t.test('distances that are none do not break the bars', async (t) => {
  const batch = { kind: [int, [1, 2, 3]] as const, nag_distance: [float, [2, 1e12, 1]] as const };
  const { lines } = await reportOf([batch], { by: 'kind' });
  for (const line of lines.slice(1)) t.match(line, /█$/);
});

t.test('long values are groups of their own', async (t) => {
  const long = 'x'.repeat(100);
  const { lines } = await reportOf([{ kind: [text, [`${long}1`, `${long}2`]] }], { by: 'kind' });
  t.equal(lines.length, 3);
});

t.test('no rows, and a column that is not there', async (t) => {
  const { lines } = await reportOf([{ docid: [text, []] }], { columns: ['docid'], by: 'docid' });
  t.equal(lines.length, 2, 'headers only');
  await t.rejects(reportOf([{ docid: [text, ['a']] }], { columns: ['doc'] }), {
    message: 'show: there is no column "doc", did you mean "docid"? (columns: docid)',
  });
});
