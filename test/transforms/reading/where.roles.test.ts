import { Int32, Utf8 } from 'apache-arrow';
import t from 'tap';
import { compileWhere } from '../../../transforms/reading/where.js';
import { recordBatch } from '../../fixtures/engine.js';

const { schema } = recordBatch({
  docid: [new Utf8(), ['a']],
  n: [new Int32(), [1]],
  id: [new Utf8(), ['b']],
});

t.test('the name of a role is the column that plays it, unless a column has the name', async (t) => {
  const roles = { docid: 'id', tokens: 'n', text: '#text' };
  const where = (name: string, value: string | number) =>
    compileWhere({ [name]: value }, schema, 'pool.parquet', roles)!.columns;
  t.strictSame([where('tokens', 1), where('docid', 'a'), where('id', 'b')], [['n'], ['docid'], ['id']]);
  t.throws(() => where('text', 'x'), { message: /there is no column "text" \(columns: docid, n, id\)/ });
});
