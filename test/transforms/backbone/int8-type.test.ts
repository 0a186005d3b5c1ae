import t from 'tap';
import { exactInt8Type } from '../../../transforms/backbone/int8-type.js';

t.test('this processor multiplies one of the two exactly, always the same', async (t) => {
  const type = await exactInt8Type();
  t.ok(['int8', 'uint8'].includes(type));
  t.equal(await exactInt8Type(), type);
});
