import { clusters } from '../sinks/clusters.js';
import { distances } from '../sinks/distances.js';
import { plot } from '../sinks/plot.js';
import { show } from '../sinks/show.js';
import { stability } from '../sinks/stability.js';
import { writeJsonl } from '../sinks/write-jsonl.js';
import { writeKeys } from '../sinks/write-keys.js';
import { writeModel } from '../sinks/write-model.js';
import { writeParquetSink } from '../sinks/write-parquet.js';
import { deduplicate } from '../transforms/deduplicate.js';
import { explain } from '../transforms/explain.js';
import { extract } from '../transforms/extract.js';
import { features } from '../transforms/features.js';
import { filter } from '../transforms/filter.js';
import { join } from '../transforms/join.js';
import { label } from '../transforms/label.js';
import { layers } from '../transforms/layers.js';
import { likelihood } from '../transforms/likelihood.js';
import { neurons } from '../transforms/neurons.js';
import { profile } from '../transforms/profile.js';
import { rank } from '../transforms/rank.js';
import { readFeatures } from '../transforms/read-features.js';
import { readJsonl } from '../transforms/read-jsonl.js';
import { readKeysSource } from '../transforms/read-keys.js';
import { readParquet } from '../transforms/read-parquet.js';
import { sample } from '../transforms/sample.js';
import { score } from '../transforms/score.js';
import { tokenize } from '../transforms/tokenize.js';
import { topK } from '../transforms/top-k.js';
import { createRegistry } from './registry.js';

/** The components that come with the product: the one place that knows them all. */
export const builtins = createRegistry([
  readParquet,
  readJsonl,
  readFeatures,
  readKeysSource,
  tokenize,
  extract,
  topK,
  features,
  join,
  layers,
  profile,
  neurons,
  score,
  rank,
  explain,
  filter,
  label,
  sample,
  deduplicate,
  likelihood,
  writeParquetSink,
  writeJsonl,
  writeKeys,
  writeModel,
  show,
  distances,
  stability,
  plot,
  clusters,
]);
