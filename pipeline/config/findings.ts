import type { Path, Problem } from './problems.js';

/** What was found wrong so far. One fault is told once: what only follows from it is not a problem of its own. */
export interface Findings {
  readonly problems: readonly Problem[];
  /** Adds a problem, unless its place, or one around it, is known to be faulty. */
  report(problem: Problem): void;
  /** Marks a place whose fault is told, or whose value is missing because of one. */
  markFaulty(path: Path): void;
  /** True where a place is faulty, lies in one, or holds one: nothing can be said about it as a whole. */
  isTouched(path: Path): boolean;
}

export function createFindings(): Findings {
  const problems: Problem[] = [];
  const faulty: Path[] = [];
  return {
    problems,
    report: (problem) => {
      if (!faulty.some((place) => isInside(problem.path, place))) problems.push(problem);
    },
    markFaulty: (path) => void faulty.push(path),
    isTouched: (path) => faulty.some((place) => isInside(path, place) || isInside(place, path)),
  };
}

/** True for a path that is `outer` or leads into it. */
function isInside(path: Path, outer: Path): boolean {
  return outer.length <= path.length && outer.every((step, i) => step === path[i]);
}
