import { RecordBatch, Schema } from 'apache-arrow';
import type { Batch } from '../../pipeline/batch.js';
import type { Known } from '../../pipeline/preview.js';
import { findFeatures } from '../columns.js';
import type { Profile } from '../profile.js';

/** Key of the metadata of a previewed profile: the names of its targets, JSON; null is one without a name. */
const targetsKey = 'nag.targets';

/** Rows of a target without any, as what is known of its profile. */
export function withTargets(batch: Batch, names: readonly (string | undefined)[]): Batch {
  const { schema, data } = batch.columns;
  const metadata = new Map([[targetsKey, JSON.stringify(names.map((name) => name ?? null))]]);
  return { ...batch, columns: new RecordBatch(new Schema(schema.fields, metadata), data) };
}

/** A profile of which all but the weights is known; undefined where nothing is. */
export function previewOf(known: Known): Profile | undefined {
  const [batch] = known ?? [];
  const text = batch?.columns.schema.metadata.get(targetsKey);
  if (!batch || text === undefined) return undefined;
  const { info } = findFeatures(batch.columns, undefined);
  const names = JSON.parse(text) as (string | null)[];
  const targets = names.map((name) => ({
    name: name ?? undefined,
    weights: new Float64Array(0),
    documents: 0,
  }));
  return { info, targets };
}
