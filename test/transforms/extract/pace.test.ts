import t from 'tap';
import { createPace } from '../../../transforms/extract/pace.js';

t.test('windows take about 20 seconds, grow twofold at most, and never past what is allowed', async (t) => {
  const pace = createPace(4096);
  t.equal(pace.documents, 64, 'at first little is risked');
  pace.took(64, 64_000);
  t.equal(pace.documents, 20, 'a document a second');
  pace.took(1, 60_000);
  t.equal(pace.documents, 1, 'never nothing');
  pace.took(1000, 10);
  t.equal(pace.documents, 2000);
  pace.took(4000, 0);
  t.equal(pace.documents, 4096);
  pace.took(0, 0);
  t.equal(pace.documents, 4096, 'a window without documents says nothing');
  t.equal(createPace(10).documents, 10);
});
