import t from 'tap';
import { choose } from '../../../transforms/likelihood/choose.js';

t.test('the likeliest, and the likeliest by character; equal ones by lower index', async (t) => {
  t.same(choose([-4, -3, -9], ['ab', 'a', 'abcdefghij']), { plain: 1, byLength: 2 });
  t.same(choose([-2, -2], ['a', 'a']), { plain: 0, byLength: 0 });
  t.same(
    choose([-3, -2], ['\u{1F600}\u{1F600}', '日']),
    { plain: 1, byLength: 0 },
    'code points, not halves or bytes',
  );
});
