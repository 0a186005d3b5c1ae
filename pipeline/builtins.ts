import { show } from '../sinks/show.js';
import { writeJsonl } from '../sinks/write-jsonl.js';
import { writeKeys } from '../sinks/write-keys.js';
import { writeModel } from '../sinks/write-model.js';
import { writeParquetSink } from '../sinks/write-parquet.js';
import { extract } from '../transforms/extract.js';
import { likelihood } from '../transforms/likelihood.js';
import { neurons } from '../transforms/neurons.js';
import { profile } from '../transforms/profile.js';
import { rank } from '../transforms/rank.js';
import { readJsonl } from '../transforms/read-jsonl.js';
import { readKeysSource } from '../transforms/read-keys.js';
import { readParquet } from '../transforms/read-parquet.js';
import { score } from '../transforms/score.js';
import { tokenize } from '../transforms/tokenize.js';
import { topK } from '../transforms/top-k.js';
import { createRegistry } from './registry.js';

/** The components that come with the product: the one place that knows them all. */
export const builtins = createRegistry([
  readParquet,
  readJsonl,
  readKeysSource,
  tokenize,
  extract,
  topK,
  profile,
  neurons,
  score,
  rank,
  likelihood,
  writeParquetSink,
  writeJsonl,
  writeKeys,
  writeModel,
  show,
]);
