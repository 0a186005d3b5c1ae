import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import {
  newRunId,
  pruneRecords,
  readRecords,
  recordPath,
  writeRecord,
} from '../../../pipeline/state/records.js';
import { recordOf } from '../../fixtures/records.js';

const ids = ['20261122T020000Z-ffff', '20261123T020000Z-0000', '20261124T020000Z-1f3a'];

t.test('an id has the time of its run, and sorts by it', async (t) => {
  t.match(newRunId(new Date('2026-11-24T02:03:04.567Z')), /^20261124T020304Z-237[0-9a-f]$/);
  const inTurn = [4, 5, 16, 999].map((ms) => newRunId(new Date(Date.UTC(2026, 10, 24, 2, 3, 4, ms))));
  t.strictSame([...inTurn].sort(), inTurn, 'of runs in the same second too');
});

t.test('what is written is read, the newest first', async (t) => {
  const dir = join(t.testdir(), 'new/state');
  t.strictSame(await readRecords(dir), { records: [], damaged: [] }, 'no folder yet');
  for (const id of [ids[1]!, ids[0]!, ids[2]!]) {
    const path = await writeRecord(dir, recordOf({ id }));
    t.equal(path, recordPath(dir, id));
  }
  const last = recordOf({ id: ids[2]!, status: 'failed', exitCode: 1, error: 'a\nb' });
  await writeRecord(dir, last);
  const { records, damaged } = await readRecords(dir);
  t.strictSame(
    records.map(({ id }) => id),
    [...ids].reverse(),
  );
  t.strictSame(records[0], last, 'replaced, and whole');
  t.strictSame(damaged, []);
  t.strictSame(
    (await readdir(join(dir, 'runs'))).sort(),
    ids.map((id) => `${id}.json`),
    'nothing beside them',
  );
});

t.test('a damaged record is told, and hides no other', async (t) => {
  const dir = t.testdir({ runs: { 'other.txt': 'no record' } });
  const text = JSON.stringify(recordOf({ id: ids[0]! }));
  await writeRecord(dir, recordOf({ id: ids[1]! }));
  await writeFile(recordPath(dir, ids[0]!), text.slice(0, 100));
  await writeFile(recordPath(dir, ids[2]!), text.replace('"format":1', '"format":2'));
  const { records, damaged } = await readRecords(dir);
  t.strictSame(
    records.map(({ id }) => id),
    [ids[1]],
  );
  t.match(damaged, [
    { path: recordPath(dir, ids[2]!), reason: /^format: / },
    { path: recordPath(dir, ids[0]!), reason: /JSON/ },
  ]);
});

t.test('what a later version adds stays', async (t) => {
  const dir = t.testdir({ runs: {} });
  await writeFile(recordPath(dir, ids[0]!), JSON.stringify({ ...recordOf(), later: 1 }));
  t.match((await readRecords(dir)).records[0], { later: 1 });
});

t.test('only the newest are kept; what a killed process left goes', async (t) => {
  const dir = t.testdir({ runs: { [`.${ids[0]}.json.17.tmp`]: '{', 'mine.txt': 'stays' } });
  for (const id of ids) await writeRecord(dir, recordOf({ id }));
  await pruneRecords(dir, 2);
  t.strictSame((await readdir(join(dir, 'runs'))).sort(), [`${ids[1]}.json`, `${ids[2]}.json`, 'mine.txt']);
  await pruneRecords(dir, 400);
  t.equal((await readRecords(dir)).records.length, 2);
  await pruneRecords(join(dir, 'none'), 1);
});

t.test('a place where nothing can be written or read', async (t) => {
  const dir = t.testdir({ runs: 'a file' });
  await t.rejects(writeRecord(dir, recordOf()), {
    name: 'DataError',
    message: /1f3a\.json: the record of the run cannot be written: EEXIST/,
  });
  await t.rejects(readRecords(dir), { name: 'DataError', message: /runs: cannot be read: ENOTDIR/ });
  await mkdir(join(dir, 'b/runs', `${ids[0]}.json`), { recursive: true });
  t.match(await readRecords(join(dir, 'b')), { records: [], damaged: [{ reason: /EISDIR/ }] });
});
