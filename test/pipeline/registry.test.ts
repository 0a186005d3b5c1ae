import t from 'tap';
import { NagError } from '../../pipeline/errors.js';
import { createRegistry } from '../../pipeline/registry.js';
import { add, read } from '../fixtures/components.js';

t.test('components by name, each name once', async (t) => {
  t.strictSame([...createRegistry([read, add]).keys()], ['read', 'add']);
  t.throws(
    () => createRegistry([read, add, read]),
    new NagError('two components are named "read": rename one of them'),
  );
});
