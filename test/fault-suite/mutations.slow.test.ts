import t from 'tap';
import { checkRows, small } from './check-rows.js';
import { mutations } from './mutations.js';

t.test('mutated configurations, Parquet, JSON lines, weights and tokenizers', async (t) => {
  checkRows(t, await mutations(small(t, 200)));
});
