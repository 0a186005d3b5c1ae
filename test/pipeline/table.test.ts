import t from 'tap';
import { table } from '../../pipeline/table.js';

t.test('numbers to the right, others to the left', async (t) => {
  t.equal(
    table(
      ['stage', 'rows', 'note'],
      [
        ['a', '1,234', 'x'],
        ['longer', '-', ''],
      ],
    ),
    ['  stage    rows  note', '  a       1,234  x', '  longer      -'].join('\n'),
  );
  t.equal(table(['a', 'b'], []), '  a  b');
});
