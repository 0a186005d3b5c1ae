import { readdir } from 'node:fs/promises';
import t from 'tap';
import { docidBytes } from '../../../transforms/nag/docid.js';
import { firstOfEach } from '../../../transforms/rank/deduplicate.js';
import { DocidList } from '../../../transforms/rank/docid-list.js';
import { randomIntegers } from '../nag/random.js';

t.test('the first of each docid, in memory and on disk', async (t) => {
  const random = randomIntegers(9);
  for (const memoryBytes of [1e6, 500]) {
    const tempDir = t.testdir();
    const names = ['', '\u0000', 'a', 'a\u0000', 'a\u0000b', 'é', '😀', '\uff21'];
    const docids = Array.from({ length: 400 }, () => names[random(8)]! + names[random(8)]!);
    const first = await firstOfEach(docids.map(docidBytes), docids.length, { tempDir, memoryBytes });
    t.strictSame(
      [...first],
      docids.map((docid, i) => Number(docids.indexOf(docid) === i)),
    );
    t.strictSame(await readdir(tempDir), [], 'nothing is left on disk');
  }
  t.strictSame(
    await firstOfEach([], 0, { tempDir: t.testdir(), memoryBytes: 1 }),
    new Uint8Array(0),
    'of none, none',
  );
});

t.test('a list of docids keeps them as they were', async (t) => {
  const list = new DocidList();
  const docids = Array.from({ length: 500 }, (_, i) => docidBytes('é'.repeat(i % 50) + i));
  const reused = new Uint8Array(200);
  for (const docid of docids) {
    reused.set(docid);
    list.push(reused.subarray(0, docid.length));
  }
  list.push(new Uint8Array(0));
  t.strictSame(
    docids.map((_, i) => list.at(i)),
    docids,
  );
  t.equal(list.at(500).length, 0);
});
