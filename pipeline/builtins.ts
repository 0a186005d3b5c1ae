import { clusters } from '../sinks/clusters.js';
import { plot } from '../sinks/plot.js';
import { show } from '../sinks/show.js';
import { writeJsonl } from '../sinks/write-jsonl.js';
import { writeParquetSink } from '../sinks/write-parquet.js';
import { extract } from '../transforms/extract.js';
import { profile } from '../transforms/profile.js';
import { rank } from '../transforms/rank.js';
import { readJsonl } from '../transforms/read-jsonl.js';
import { readParquet } from '../transforms/read-parquet.js';
import { score } from '../transforms/score.js';
import { tokenize } from '../transforms/tokenize.js';
import { topK } from '../transforms/top-k.js';
import { createRegistry } from './registry.js';

/** The components that come with the product: the one place that knows them all. */
export const builtins = createRegistry([
  readParquet,
  readJsonl,
  tokenize,
  extract,
  topK,
  profile,
  score,
  rank,
  writeParquetSink,
  writeJsonl,
  show,
  plot,
  clusters,
]);
