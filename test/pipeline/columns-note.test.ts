import t from 'tap';
import { columnsNote, schemaNote } from '../../pipeline/columns-note.js';

t.test('columns in a message', async (t) => {
  t.equal(columnsNote(['a', '#text', 'b']), ' (columns: a, b)');
  t.equal(columnsNote([]), '');
  t.equal(schemaNote({ fields: [{ name: '#text' }] }), '');
});
