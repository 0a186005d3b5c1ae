/**
 * Area under the ROC curve: the probability that a relevant document is nearer than another one; equal distances
 * count half (the Mann-Whitney statistic).
 */
export function areaUnderCurve(distances: readonly number[], relevant: readonly boolean[]): number {
  const near = distances.filter((_, i) => relevant[i]);
  const far = distances.filter((_, i) => !relevant[i]);
  let wins = 0;
  for (const a of near) for (const b of far) wins += a < b ? 1 : a === b ? 0.5 : 0;
  return wins / (near.length * far.length);
}
