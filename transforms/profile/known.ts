import { RecordBatch, Schema } from 'apache-arrow';
import type { Batch } from '../../pipeline/batch.js';
import type { Known } from '../../pipeline/preview.js';
import { findFeatures } from '../columns.js';
import type { Profile } from '../profile.js';
import { joinProfiles } from './join.js';

/** Key of a preview's metadata: the stage, and the names of its targets, null for an only one without a name. */
const targetsKey = '#targets';

interface KnownTargets {
  readonly stage: string;
  /** Undefined where only rows tell. */
  readonly names: readonly (string | null)[] | undefined;
}

/** A batch without rows with what is known of the profile that is made of such. */
export function withTargets(batch: Batch, known: KnownTargets): Batch {
  const { schema, data } = batch.columns;
  const metadata = new Map([...schema.metadata, [targetsKey, JSON.stringify(known)]]);
  return { ...batch, columns: new RecordBatch(new Schema(schema.fields, metadata), data) };
}

/**
 * The profile that a stage will have, with all targets and without weights; undefined where that is not known.
 * @param sides of each stage that gives a profile what its preview says
 * Errors: as of `joinProfiles`.
 */
export function knownProfile(sides: readonly Known[]): Profile | undefined {
  const profiles = sides.map((side) => side?.[0] && profileOf(side[0]));
  const known = profiles.filter((profile) => profile !== undefined);
  return known.length === 0 || known.length < profiles.length ? undefined : joinProfiles(new Map(known));
}

function profileOf({ columns }: Batch): [string, Profile] | undefined {
  const text = columns.schema.metadata.get(targetsKey);
  const { stage, names } = text === undefined ? {} : (JSON.parse(text) as Partial<KnownTargets>);
  if (stage === undefined || names === undefined) return undefined;
  const { info } = findFeatures(columns, undefined);
  const targets = names.map((name) => ({
    name: name ?? undefined,
    weights: new Float64Array(0),
    documents: 0,
  }));
  return [stage, { info, targets }];
}
