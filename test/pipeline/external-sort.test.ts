import { open, readdir, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { ExternalSort } from '../../pipeline/external-sort.js';

const compare = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b);

/** Records of all lengths, many equal; deterministic. */
function records(count: number, longest = 40): Buffer[] {
  let state = 12345;
  const next = (n: number) => {
    state = (state * 48271) % 0x7fff_ffff;
    return state % n;
  };
  return Array.from({ length: count }, () => {
    const length = next(4) === 0 ? next(3) : next(longest);
    return Buffer.from(Array.from({ length }, () => next(256)));
  });
}

async function sortAll(sort: ExternalSort, input: Iterable<Uint8Array>): Promise<string[]> {
  for (const record of input) await sort.add(record);
  const sorted: string[] = [];
  for await (const record of sort.sorted()) sorted.push(Buffer.from(record).toString('hex'));
  return sorted;
}

const hex = (input: readonly Buffer[]) => [...input].sort(compare).map((record) => record.toString('hex'));

t.test('sorts in memory, over few runs, and over more runs than it opens at once', async (t) => {
  const input = records(12_000);
  const expected = hex(input);
  for (const [memoryBytes, spills] of [
    [1 << 30, false],
    [1 << 20, true],
    [12_000, true],
  ] as const) {
    const dir = t.testdir();
    const sort = new ExternalSort({ dir, memoryBytes, compare });
    const sorted = await sortAll(sort, input);
    t.equal(sorted.length, expected.length);
    t.equal(sorted.join(), expected.join(), `${memoryBytes} bytes of memory`);
    t.equal(sort.spilledBytes > 0, spills);
    if (memoryBytes === 12_000) {
      const once = input.reduce((sum, record) => sum + 4 + record.length, 0);
      t.ok(sort.spilledBytes > once, 'some records were written more than once');
      t.ok(sort.spilledBytes < 4 * once, 'but not again and again');
    }
    await sort.close();
    t.strictSame(await readdir(dir), [], 'leaves nothing behind');
  }
});

t.test('records longer than any buffer', async (t) => {
  const input = [3_000_000, 5, 0, 1_500_000, 1 << 20, (1 << 20) - 4].map((length, i) =>
    Buffer.alloc(length, i),
  );
  const sort = new ExternalSort({ dir: t.testdir(), memoryBytes: 1000, compare });
  t.equal((await sortAll(sort, input)).join(), hex(input).join());
  await sort.close();
});

t.test('records that compare equal keep their order', async (t) => {
  const byFirst = (a: Uint8Array, b: Uint8Array) => a[0]! - b[0]!;
  const input = Array.from({ length: 9000 }, (_, i) => Buffer.from([i % 3, i >> 8, i & 255]));
  const expected = [...input].sort(byFirst).map((record) => record.toString('hex'));
  for (const memoryBytes of [1 << 30, 4000]) {
    const sort = new ExternalSort({ dir: t.testdir(), memoryBytes, compare: byFirst });
    t.equal((await sortAll(sort, input)).join(), expected.join());
    await sort.close();
  }
});

t.test('copies what it takes', async (t) => {
  const sort = new ExternalSort({ dir: t.testdir(), memoryBytes: 1 << 20, compare });
  const reused = Buffer.from([2]);
  await sort.add(reused);
  reused[0] = 1;
  await sort.add(reused);
  t.strictSame(await sortAll(sort, []), ['01', '02']);
  await sort.close();
});

t.test('no records', async (t) => {
  const sort = new ExternalSort({ dir: t.testdir(), memoryBytes: 100, compare });
  t.strictSame(await sortAll(sort, []), []);
  await sort.close();
});

t.test('can be left in the middle, and closed twice', async (t) => {
  const dir = t.testdir();
  const sort = new ExternalSort({ dir, memoryBytes: 5000, compare });
  for (const record of records(2000)) await sort.add(record);
  for await (const record of sort.sorted()) {
    t.ok(record);
    break;
  }
  await sort.close();
  await sort.close();
  t.strictSame(await readdir(dir), []);
});

t.test('takes and gives once', async (t) => {
  const sort = new ExternalSort({ dir: t.testdir(), memoryBytes: 5000, compare });
  await sortAll(sort, records(5));
  t.throws(() => sort.add(new Uint8Array(1)), /sort is sorted/);
  await t.rejects(sort.sorted().next(), /sort is sorted/);
  await sort.close();
  t.throws(() => sort.add(new Uint8Array(1)), /sort is closed/);
});

t.test('an add that was not awaited is a mistake, not a lost record', async (t) => {
  const sort = new ExternalSort({ dir: t.testdir(), memoryBytes: 1, compare });
  const spilling = sort.add(new Uint8Array(1));
  t.throws(() => sort.add(new Uint8Array(1)), /not awaited/);
  await spilling;
  await sort.close();
});

t.test('makes its folder, and says which one cannot be used', async (t) => {
  const dir = t.testdir({ file: 'not a folder' });
  const made = new ExternalSort({ dir: join(dir, 'a', 'b'), memoryBytes: 1, compare });
  await made.add(new Uint8Array(1));
  t.strictSame((await readdir(join(dir, 'a', 'b'))).length, 1);
  await made.close();
  const refused = new ExternalSort({ dir: join(dir, 'file'), memoryBytes: 1, compare });
  await t.rejects(async () => refused.add(new Uint8Array(1)), {
    name: 'NagError',
    message: /file: cannot sort in this folder/,
  });
  await refused.close();
});

t.test('a full disk names the folder and what to do, and the sort cannot go on', async (t) => {
  const dir = t.testdir({ file: '' });
  const file = await open(join(dir, 'file'));
  t.teardown(() => file.close());
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  t.intercept(Object.getPrototypeOf(file), 'write', { value: () => Promise.reject(full) });
  const sort = new ExternalSort({ dir, memoryBytes: 1, compare });
  await t.rejects(async () => sort.add(new Uint8Array(1)), {
    name: 'NagError',
    message: `${dir}: the disk is full while sorting: free some space, or sort in a folder of another disk`,
    cause: full,
  });
  t.throws(() => sort.add(new Uint8Array(1)), /failed before/);
  await t.rejects(sort.sorted().next(), /failed before/);
  await sort.close();
  t.strictSame(await readdir(dir), ['file']);
});

t.test('a run that was cut short is noticed', async (t) => {
  const dir = t.testdir();
  const sort = new ExternalSort({ dir, memoryBytes: 5000, compare });
  for (const record of records(500)) await sort.add(record);
  const [folder] = await readdir(dir);
  await truncate(join(dir, folder!, 'run-0'), 50);
  await t.rejects(
    async () => {
      for await (const record of sort.sorted()) record.length;
    },
    { name: 'NagError', message: /run-0: the file is shorter/ },
  );
  await sort.close();
  t.strictSame(await readdir(dir), []);
});

t.test('an error of the comparison is passed on as it is', async (t) => {
  const failing = () => {
    throw new TypeError('cannot compare');
  };
  const sort = new ExternalSort({ dir: t.testdir(), memoryBytes: 1 << 20, compare: failing });
  await t.rejects(sortAll(sort, records(5)), { name: 'TypeError', message: 'cannot compare' });
  await sort.close();
});
