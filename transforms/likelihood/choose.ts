/** Which of several continuations a model takes. */
export interface Choice {
  /** Index of the likeliest one. */
  readonly plain: number;
  /** Index of the likeliest one by character. */
  readonly byLength: number;
}

/**
 * The choices behind `acc` and `acc_norm` of EleutherAI's lm-evaluation-harness: the largest log-likelihood, and the
 * largest after division by the number of characters (code points) of the choice. Equal ones by lower index.
 */
export function choose(logLikelihoods: readonly number[], choices: readonly string[]): Choice {
  const byCharacter = logLikelihoods.map((value, i) => value / [...choices[i]!].length);
  return { plain: largest(logLikelihoods), byLength: largest(byCharacter) };
}

function largest(values: readonly number[]): number {
  return values.reduce((best, value, i) => (value > values[best]! ? i : best), 0);
}
