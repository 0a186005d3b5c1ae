import { ConfigError } from '../config/problems.js';
import { NagError } from '../errors.js';
import { isPassing } from '../retry.js';
import { withPlaces } from '../stage-error.js';

/** Everything that was found wrong before a run: a line each. */
export class PreflightError extends NagError {
  override readonly name = 'PreflightError';
  override readonly exitCode: number;
  override readonly passing: boolean;

  constructor(messages: readonly string[], findings: readonly NagError[]) {
    super(messages.join('\n'));
    this.exitCode = findings.every(({ exitCode }) => exitCode === 2) ? 2 : 1;
    this.passing = findings.every(isPassing);
  }
}

/** Throws what was found: one fault as it is, several together; one that several stages have is told once. */
export function throwFindings(findings: readonly NagError[]): void {
  const [first] = findings;
  if (!first) return;
  const messages = withPlaces(findings);
  if (messages.length > 1) throw new PreflightError(messages, findings);
  first.message = messages[0]!;
  throw first;
}

/** A fault of the configuration, with its place in the file where that is known. */
export function configFault(place: string | undefined, message: string, cause?: unknown): ConfigError {
  return new ConfigError(place === undefined ? message : `${place}  ${message}`, { cause });
}
