import type { StageRecord } from '../state/record.js';

/** A value with its labels. */
export type Sample = readonly [labels: Readonly<Record<string, string>>, value: number];

/** A sample a stage; none of a stage without the value. */
export function samplesOf(
  stages: readonly StageRecord[],
  value: (stage: StageRecord) => number | undefined,
): Sample[] {
  return stages.flatMap((stage): Sample[] => {
    const own = value(stage);
    return own === undefined ? [] : [[{ stage: stage.id }, own]];
  });
}
