import { createHash } from 'node:crypto';
import t from 'tap';
import { changeOf, createMembers, setMember, sortedMembers } from '../../../transforms/rank/members.js';
import { randomIntegers } from '../nag/random.js';

type Document = readonly [id: string, tokens: number];

function membersOf(documents: readonly Document[]) {
  const members = createMembers(documents.length);
  for (const [i, [id, tokens]] of documents.entries()) setMember(members, i, Buffer.from(id), tokens);
  return sortedMembers(members);
}

t.test('64 bits of SHA-256, ascending, each with its tokens', async (t) => {
  const documents = Array.from({ length: 300 }, (_, i): Document => [`document ${i}`, i * 1000]);
  const { size, values } = membersOf(documents);
  const expected = documents
    .map(([id, tokens]) => {
      const digest = createHash('sha256').update(id).digest();
      return [digest.readUInt32LE(0), digest.readUInt32LE(4), tokens] as const;
    })
    .sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  t.equal(size, 300);
  t.strictSame(
    [...values.subarray(0, 600)],
    expected.flatMap((own) => own.slice(0, 2)),
  );
  t.strictSame(
    [...values.subarray(600)],
    expected.map(([, , tokens]) => tokens),
  );
});

t.test('equals a comparison of plain sets', async (t) => {
  const random = randomIntegers(5);
  for (let trial = 0; trial < 50; trial++) {
    const some = (): Document[] =>
      Array.from({ length: random(40) }, (_, i): Document => [`${i}`, random(100)]).filter(
        () => random(3) > 0,
      );
    const [then, now] = [some(), some()];
    const [old, fresh] = [new Map(then), new Map(now)];
    const amount = (documents: readonly Document[]) => ({
      documents: documents.length,
      tokens: documents.reduce((sum, [, tokens]) => sum + tokens, 0),
    });
    t.strictSame(changeOf(membersOf(then), membersOf(now)), {
      entered: amount(now.filter(([id]) => !old.has(id))),
      left: amount(then.filter(([id]) => !fresh.has(id))),
      stayed: amount(now.filter(([id]) => old.has(id))),
    });
  }
});

t.test('an id that is there twice is two documents', async (t) => {
  const change = changeOf(
    membersOf([
      ['a', 1],
      ['a', 1],
      ['a', 1],
      ['b', 5],
    ]),
    membersOf([
      ['b', 5],
      ['b', 5],
      ['a', 1],
    ]),
  );
  t.match(change, { entered: { documents: 1 }, left: { documents: 2 }, stayed: { documents: 2 } });
});
