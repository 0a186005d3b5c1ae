import t from 'tap';
import { addMember, createDigestSet } from '../../../transforms/deduplicate/digest-set.js';

t.test('a member is taken once, before and after the tables have grown', async (t) => {
  const set = createDigestSet();
  const count = 200_000;
  let added = 0;
  for (let i = 0; i < count; i++) if (addMember(set, `member ${i}`)) added++;
  t.equal(added, count);
  for (let i = 0; i < count; i++) if (addMember(set, `member ${i}`)) added++;
  t.equal(added, count);
  t.equal(set.size, count);
  const room = set.tables.reduce((sum, { slots }) => sum + slots.byteLength, 0);
  t.equal(set.bytes, room);
  t.ok(room / count >= 20 && room / count <= 27, `${room / count} bytes a member`);
});

t.test('bytes and text are the same members', async (t) => {
  const set = createDigestSet();
  t.ok(addMember(set, 'é'));
  t.notOk(addMember(set, new TextEncoder().encode('é')));
  t.ok(addMember(set, ''));
  t.notOk(addMember(set, new Uint8Array(0)));
});
