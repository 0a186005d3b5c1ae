import { Bool } from 'apache-arrow';
import t from 'tap';
import type { Batch } from '../../pipeline/batch.js';
import { rank } from '../../transforms/rank.js';
import { allSame } from '../fixtures/all-same.js';
import { cells, mapStage, memorySource, recordBatch, type StageRow, sourceLog } from '../fixtures/engine.js';
import {
  batchesOf,
  budgetsOf,
  counted,
  docidKinds,
  dropped,
  memories,
  ordersByRank,
  pool,
  ranked,
  scored,
  select,
} from './rank/pool.js';

t.test('equals a plain sort, for every kind of docid and token count, budget and memory', async (t) => {
  const temp = t.testdir();
  let seed = 1;
  await allSame(t, 'places in the input, by rank', async (same) => {
    for (const kind of Object.keys(docidKinds)) {
      for (const tokens of ['float', 'int64'] as const) {
        const options = { rows: 250, kind, tokens, seed: seed++ * 7919 };
        const rows = pool(options);
        const source = memorySource(batchesOf(rows, options, [1, 64, 7, 30]));
        for (const budget of budgetsOf(rows)) {
          const expected = select(rows, budget).map((row) => row.order);
          for (const memory of memories) {
            const stages: StageRow[] = [
              ['pool', source],
              ['score', scored],
              ['rank', rank, { ...budget, ...memory }],
            ];
            const name = JSON.stringify({ kind, tokens, budget, memory });
            same(ordersByRank(await ranked(stages, temp)), expected, name);
          }
        }
      }
    }
  });
});

t.test('a pool without any token stops the run, rather than replace a selection by nothing', async (t) => {
  const options = { rows: 20, kind: 'text', tokens: 'zero', seed: 3 } as const;
  const source = memorySource(batchesOf(pool(options), options, [7]));
  const stages: StageRow[] = [
    ['pool', source],
    ['score', scored],
    ['rank', rank, { fraction: 0.5 }],
  ];
  await t.rejects(ranked(stages, t.testdir()), {
    name: 'NagError',
    message:
      'rank: the 20 documents have no tokens: the column "token_num" holds null or 0 in every row; name another with columns: {tokens: …} on the source, or let tokenize count them (count: true)',
  });
});

t.test('with rows left out on the way, and by the source', async (t) => {
  const temp = t.testdir();
  const options = { rows: 600, kind: 'text', tokens: 'float', seed: 99 } as const;
  const rows = pool(options);
  const where = (columns: Batch['columns'], row: number) => columns.getChild('order')!.get(row) % 3 !== 0;
  const source = memorySource(batchesOf(rows, options, [50]), { where });
  const there = rows.filter((row) => row.keep && row.order % 3 !== 0);
  await allSame(t, 'places in the input, by rank', async (same) => {
    for (const budget of budgetsOf(there)) {
      for (const memory of memories) {
        const stages: StageRow[] = [
          ['pool', source],
          ['drop', dropped],
          ['score', scored],
          ['rank', rank, { ...budget, ...memory }],
        ];
        const expected = select(there, budget).map((row) => row.order);
        same(ordersByRank(await ranked(stages, temp)), expected, JSON.stringify({ budget, memory }));
      }
    }
  });
});

t.test('with token counts that a stage makes: nothing is known before', async (t) => {
  const temp = t.testdir();
  const options = { rows: 500, kind: 'int64', tokens: 'float', seed: 5 } as const;
  const rows = pool(options);
  const counts = rows.map((row) => ({ ...row, tokens: (row.order % 5) * 3 }));
  const source = memorySource(batchesOf(rows, options, [33]));
  await allSame(t, 'places in the input, by rank, and their counts', async (same) => {
    for (const budget of budgetsOf(counts)) {
      for (const memory of memories) {
        const stages: StageRow[] = [
          ['pool', source],
          ['count', counted],
          ['score', scored],
          ['rank', rank, { ...budget, ...memory }],
        ];
        const log = await ranked(stages, temp);
        const name = JSON.stringify({ budget, memory });
        same(
          ordersByRank(log),
          select(counts, budget).map((row) => row.order),
          name,
        );
        const orders = cells(log.batches, 'order') as number[];
        same(
          cells(log.batches, 'token_count'),
          orders.map((order) => (order % 5) * 3),
          `${name}: the counts`,
        );
        const role = log.batches[0]?.roles.tokens;
        same(role, 'token_count', `${name}: the stages below find the counts too`);
      }
    }
  });
});

t.test('sources whose columns no type can hold are refused before anything is read', async (t) => {
  const options = { rows: 40, kind: 'text', tokens: 'float', seed: 3 } as const;
  const log = sourceLog();
  const columns = batchesOf(pool(options), options, [40]);
  const other = [[recordBatch({ docid: [new Bool(), [true]] })]];
  const same = mapStage((batch) => batch, { needs: () => ({}), mayDrop: () => false });
  const stages: StageRow[] = [
    ['a', memorySource(columns, { log })],
    ['b', memorySource(other, { log })],
    ['all', same, {}, ['a', 'b']],
    ['rank', rank, { fraction: 0.5 }],
  ];
  await t.rejects(ranked(stages, t.testdir()), {
    message:
      /^all: the sources "a", "b" have different columns: column "docid" is Bool in "b" and Utf8 in "a", and no type/,
  });
  t.equal(log.batches, 0);
});

t.test('several sources flattened are one pool, whatever the order in which they are named', async (t) => {
  const temp = t.testdir();
  const options = { rows: 300, kind: 'text', tokens: 'float', seed: 3 } as const;
  const rows = pool(options);
  const sources = [rows.slice(0, 120), rows.slice(120, 121), rows.slice(121)].map((part) =>
    memorySource(batchesOf(part, options, [25])),
  );
  const same = mapStage((batch) => batch, { needs: () => ({}), mayDrop: () => false });
  const stages: StageRow[] = [
    ['a', sources[0]!],
    ['b', sources[1]!],
    ['c', sources[2]!],
    // Stages of a stand below those of c: reading goes by the sources nevertheless.
    ['c2', same, {}, ['c']],
    ['a2', same, {}, ['a']],
    ['score', scored, {}, ['b', 'c2', 'a2']],
    ['rank', rank, { fraction: 0.5 }],
  ];
  const log = await ranked(stages, temp);
  t.strictSame(
    ordersByRank(log),
    select(rows, { fraction: 0.5 }).map((row) => row.order),
  );
});
