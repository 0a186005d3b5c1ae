import { ConfigError } from '../config/problems.js';
import { NagError } from '../errors.js';
import { isPassing } from '../retry.js';

/** Everything that was found wrong before a run: a line each. */
export class PreflightError extends NagError {
  override readonly name = 'PreflightError';
  override readonly exitCode: number;
  override readonly passing: boolean;

  constructor(readonly findings: readonly NagError[]) {
    super([...new Set(findings.map(({ message }) => message))].join('\n'));
    this.exitCode = findings.every(({ exitCode }) => exitCode === 2) ? 2 : 1;
    this.passing = findings.every(isPassing);
  }
}

/** Throws what was found: one finding as it is, several together. */
export function throwFindings(findings: readonly NagError[]): void {
  const [first, ...others] = findings;
  if (first) throw others.length === 0 ? first : new PreflightError(findings);
}

/** A fault of the configuration, with its place in the file where that is known. */
export function configFault(place: string | undefined, message: string, cause?: unknown): ConfigError {
  return new ConfigError(place === undefined ? message : `${place}  ${message}`, { cause });
}
