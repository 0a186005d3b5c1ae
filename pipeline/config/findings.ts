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
  /** Places that are faulty, and places that hold one. */
  const faulty = new Set<string>();
  const around = new Set<string>();
  const isInFaulty = (path: Path) => prefixes(path).some((key) => faulty.has(key));
  return {
    problems,
    report: (problem) => {
      if (!isInFaulty(problem.path)) problems.push(problem);
    },
    markFaulty: (path) => {
      const keys = prefixes(path);
      faulty.add(keys.at(-1)!);
      for (const key of keys) around.add(key);
    },
    isTouched: (path) => isInFaulty(path) || around.has(JSON.stringify(path)),
  };
}

/** The path's keys and those of all around it, from the outermost on. */
function prefixes(path: Path): string[] {
  return Array.from({ length: path.length + 1 }, (_, length) => JSON.stringify(path.slice(0, length)));
}
