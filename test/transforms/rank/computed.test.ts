import {
  type DataType,
  Field,
  Float64,
  Int32,
  Int64,
  List,
  RecordBatch,
  Utf8,
  vectorFromArray,
} from 'apache-arrow';
import t from 'tap';
import { type Batch, roleColumn, withColumn, withoutColumns } from '../../../pipeline/batch.js';
import { rank } from '../../../transforms/rank.js';
import { readJsonl } from '../../../transforms/read-jsonl.js';
import { cells, mapStage, memorySource, recordBatch, type StageRow } from '../../fixtures/engine.js';

import {
  batchesOf,
  counted,
  dropped,
  memories,
  ordersByRank,
  pool,
  type Row,
  ranked,
  scored,
  select,
} from './pool.js';

t.test('selected rows have all columns: the source’s, computed ones, distance and rank', async (t) => {
  const temp = t.testdir();
  const list = new List(new Field('item', new Utf8(), true));
  const options = { rows: 200, kind: 'text', tokens: 'int64', seed: 11 } as const;
  const rows = pool(options);
  const made = mapStage(
    (batch) => {
      const orders = cells([batch], 'order') as number[];
      const add = (to: Batch, name: string, type: DataType, value: (order: number) => unknown) =>
        withColumn(to, name, vectorFromArray(orders.map(value), type).data[0]!);
      const named = add(batch, 'made_text', new Utf8(), (n) => (n % 4 === 0 ? null : `made ${n}`));
      const listed = add(named, 'made_list', list, (n) => (n % 3 === 0 ? null : Array(n % 3).fill(`${n}`)));
      const replaced = add(listed, 'doc', new Utf8(), (n) => `other ${n}`);
      const hidden = add(replaced, '#hidden', new Int32(), (n) => n);
      const gone = withoutColumns(
        add(hidden, 'token_num2', new Int32(), (n) => n),
        ['token_num2', 'keep', 'never'],
      );
      return gone;
    },
    { needs: () => ({ columns: ['order'] }), mayDrop: () => false },
  );
  for (const memory of memories) {
    for (const fraction of [0.3, 1e-9]) {
      const stages: StageRow[] = [
        ['pool', memorySource(batchesOf(rows, options, [17]))],
        ['score', scored],
        ['made', made],
        ['rank', rank, { fraction, ...memory }],
      ];
      const { batches } = await ranked(stages, temp);
      const [first] = batches;
      t.strictSame(
        first!.columns.schema.fields.map((field) => `${field.name}: ${String(field.type)}`),
        [
          'docid: Utf8',
          'token_num: Int64',
          'd: Float64',
          'doc: Utf8',
          'order: Int32',
          'made_text: Utf8',
          `made_list: ${String(list)}`,
          'nag_distance: Float64',
          'nag_rank: Int32',
        ],
      );
      const orders = cells(batches, 'order') as number[];
      const expected = select(rows, { fraction }).sort((a, b) => a.order - b.order);
      t.strictSame(
        orders,
        expected.map((row) => row.order),
        'in input order',
      );
      t.strictSame(
        cells(batches, 'token_num'),
        expected.map((row) => row.tokens),
      );
      t.strictSame(
        cells(batches, 'docid'),
        expected.map((row) => row.docid),
      );
      t.strictSame(
        cells(batches, 'nag_distance'),
        expected.map((row) => row.distance),
      );
      t.strictSame(
        cells(batches, 'doc'),
        orders.map((n) => `other ${n}`),
        'the stage that replaces wins',
      );
      t.strictSame(
        cells(batches, 'made_text'),
        orders.map((n) => (n % 4 === 0 ? null : `made ${n}`)),
      );
      t.strictSame(
        cells(batches, 'made_list'),
        orders.map((n) => (n % 3 === 0 ? null : Array(n % 3).fill(`${n}`))),
      );
      t.equal(first!.columns.schema.fields.at(-1)?.metadata.get('nag.rows'), String(orders.length));
    }
  }
});

t.test('a column that a stage replaces and a later one removes stays removed', async (t) => {
  const temp = t.testdir();
  const options = { rows: 20, kind: 'text', tokens: 'float', seed: 2 } as const;
  const replaced = mapStage(
    (batch) => withColumn(batch, 'doc', vectorFromArray([...batch.rows], new Int32()).data[0]!),
    { needs: () => ({}) },
  );
  const removed = mapStage((batch) => withoutColumns(batch, ['doc']), { needs: () => ({}) });
  const stages: StageRow[] = [
    ['pool', memorySource(batchesOf(pool(options), options, [5]))],
    ['replace', replaced],
    ['remove', removed],
    ['score', scored],
    ['rank', rank, { fraction: 1 }],
  ];
  const { batches } = await ranked(stages, temp);
  t.notOk(batches[0]?.columns.getChild('doc'));
});

t.test('an earlier output can be ranked again', async (t) => {
  const temp = t.testdir();
  const options = { rows: 120, kind: 'text', tokens: 'float', seed: 8 } as const;
  const rows = pool(options);
  const earlier = batchesOf(rows, options, [40]).map((bundle) =>
    bundle.map((batch) => {
      const orders = cells([batch], 'order') as number[];
      const columns = Object.fromEntries(
        batch.schema.fields.map((field, i) => [field.name, batch.data.children[i]!]),
      );
      const old = recordBatch({
        nag_distance: [new Float64(), orders.map(() => 7)],
        nag_rank: [new Int64(), orders.map((n) => BigInt(n))],
      });
      return new RecordBatch({
        nag_distance: old.data.children[0]!,
        ...columns,
        nag_rank: old.data.children[1]!,
      });
    }),
  );
  const stages: StageRow[] = [
    ['pool', memorySource(earlier)],
    ['score', scored],
    ['rank', rank, { fraction: 0.4 }],
  ];
  const log = await ranked(stages, temp);
  const expected = select(rows, { fraction: 0.4 });
  t.strictSame(
    ordersByRank(log),
    expected.map((row) => row.order),
  );
  const byOrder = expected.toSorted((a, b) => a.order - b.order);
  t.strictSame(
    cells(log.batches, 'nag_distance'),
    byOrder.map((row) => row.distance),
  );
  t.strictSame(
    log.batches[0]?.columns.schema.fields
      .map((field) => `${field.name} ${String(field.type)}`)
      .filter((name) => name.startsWith('nag')),
    ['nag_distance Float64', 'nag_rank Int32'],
  );
});

t.test('an empty pool, and one whose rows are all left out, give no rows but all columns', async (t) => {
  const temp = t.testdir();
  const options = { rows: 10, kind: 'text', tokens: 'float', seed: 4 } as const;
  const rows = pool(options).map((row) => ({ ...row, keep: false }));
  const empty = memorySource([
    [
      recordBatch({
        docid: [new Utf8(), []],
        token_num: [new Float64(), []],
        d: [new Float64(), []],
        doc: [new Utf8(), []],
        keep: [new Int32(), []],
        order: [new Int32(), []],
      }),
    ],
  ]);
  for (const source of [empty, memorySource(batchesOf(rows, options, [3]))]) {
    const { batches } = await ranked(
      [
        ['pool', source],
        ['count', counted],
        ['drop', dropped],
        ['score', scored],
        ['rank', rank, { fraction: 0.5 }],
      ],
      temp,
    );
    t.strictSame(
      batches.map((batch) => batch.rows.length),
      [0],
    );
    t.strictSame(
      batches[0]?.columns.schema.fields.map((field) => field.name),
      ['docid', 'token_num', 'd', 'doc', 'keep', 'order', 'token_count', 'nag_distance', 'nag_rank'],
    );
  }
});

t.test('says what it cannot rank', async (t) => {
  const temp = t.testdir();
  const options = { rows: 20, kind: 'text', tokens: 'float', seed: 4 } as const;
  const rows = pool(options);
  const source = (change: (row: Row) => Row, kind = 'text') =>
    memorySource(batchesOf(rows.map(change), { ...options, kind }, [6]));
  const failing = (stages: StageRow[], message: RegExp) =>
    t.rejects(ranked([...stages, ['rank', rank, { fraction: 0.5 }]], temp), { message });
  await failing(
    [
      ['pool', source((row) => ({ ...row, docid: row.order === 7 ? null : 'x' }))],
      ['score', scored],
    ],
    /memory-0: row 7, column "docid": the docid is null/,
  );
  await failing(
    [
      ['pool', source((row) => ({ ...row, tokens: row.order === 3 ? -1 : 1 }))],
      ['score', scored],
    ],
    /memory-0: row 3, column "token_num": expected a number of tokens .* found -1/,
  );
  await failing(
    [
      ['pool', source((row) => ({ ...row, tokens: 1.5 }))],
      ['score', scored],
    ],
    /found 1.5/,
  );
  await failing(
    [['pool', source((row) => row)]],
    /no column "nag_distance" to rank by: put score before rank/,
  );
  await failing(
    [
      ['a', source((row) => row)],
      ['b', source((row) => ({ ...row, docid: 1n }), 'int64')],
      // A stage that sees all columns might have made them alike: only rank can tell then.
      ['all', mapStage((batch) => batch), {}, ['a', 'b']],
      ['score', scored],
    ],
    /docids are text in one part of the pool and integer in another/,
  );
  await failing(
    [
      ['a', source((row) => row)],
      ['b', source((row) => row)],
      ['a2', counted, {}, ['a']],
      ['score', scored, {}, ['a2', 'b']],
    ],
    /make or remove the column "token_count" in one part of the pool only/,
  );
  const twice = mapStage((batch) => batch, {
    async *run(input) {
      for await (const batch of input) yield* [batch, batch];
    },
  });
  await failing(
    [
      ['pool', source((row) => row)],
      ['score', scored],
      ['twice', twice],
    ],
    /repeats or reorders rows/,
  );
});

t.test('text put together from a template can be read below rank too', async (t) => {
  const lines = [0, 1, 2].map((n) =>
    JSON.stringify({ docid: `d${n}`, q: `q${n}`, token_num: 1, d: n / 2, order: n, keep: 1 }),
  );
  const dir = t.testdir({ 'pool.jsonl': lines.join('\n') });
  const texts: unknown[] = [];
  const reading = mapStage(
    (batch) => {
      texts.push(...cells([batch], roleColumn(batch, 'text').name));
      return batch;
    },
    { needs: () => ({ roles: ['text'] }) },
  );
  const { batches } = await ranked(
    [
      ['pool', readJsonl, { path: `${dir}/pool.jsonl`, columns: { text: '<{q}>' } }],
      ['score', scored],
      ['rank', rank, { tokens: 2 }],
      ['reading', reading],
    ],
    dir,
  );
  t.strictSame(texts, ['<q0>', '<q1>']);
  t.strictSame(cells(batches, 'docid'), ['d0', 'd1']);
});
