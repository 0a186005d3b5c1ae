import { isRefusal, messageOf, NagError } from '../errors.js';
import { jsonLine } from '../json-log.js';

/** What a command ends with that failed: its exit code, and what goes to stderr, as `--log` and `--debug` ask for. */
export function failureOf(error: unknown, args: readonly string[]): { exitCode: number; text: string } {
  const known = error instanceof NagError || isRefusal(error);
  const exitCode = error instanceof NagError ? error.exitCode : 1;
  if (error instanceof NagError && error.quiet) return { exitCode, text: '' };
  const debug = args.includes('--debug') && error instanceof Error;
  if (wantsJson(args)) {
    const stack = debug ? { stack: debugText(error) } : {};
    const fields = { message: known ? error.message : defectText(messageOf(error)), exit_code: exitCode };
    return { exitCode, text: jsonLine('error', 'error', { ...fields, ...stack }) };
  }
  const text = debug ? debugText(error) : messageOf(error);
  return { exitCode, text: `${known ? text : defectText(text)}\n` };
}

/** The last `--log` counts. The command line itself may be what is wrong, so it is not parsed here. */
function wantsJson(args: readonly string[]): boolean {
  const formats = args.flatMap((arg, i) =>
    arg === '--log' ? (args[i + 1] ?? []) : arg.startsWith('--log=') ? arg.slice(6) : [],
  );
  return formats.at(-1) === 'json';
}

function defectText(text: string): string {
  return `nag-pipeline failed in a way it should not: ${text}\nRun again with --debug and report this, please.`;
}

/** The stack traces of an error and of what caused it. */
function debugText(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by: ${debugText(error.cause)}` : '';
  return `${error.stack ?? error.message}${cause}`;
}
