/** Where in the user's material something was found. Rows count from 0, lines of text from 1. */
export interface Place {
  readonly file?: string | undefined;
  readonly row?: number | undefined;
  readonly line?: number | undefined;
  readonly column?: string | undefined;
}

/**
 * A failure that its user can act on. It is printed as one message, without a stack trace. Anything else that reaches the
 * command line is a defect of this program, but for what the operating system refuses.
 */
export class NagError extends Error {
  override readonly name: string = 'NagError';
  readonly exitCode: number = 1;
  /** Whether the same work may succeed when it is done again a little later. */
  readonly passing: boolean = false;
  /** Whether it was asked that nothing is said of it but the exit code. */
  readonly quiet: boolean = false;
}

/** A device that was there is gone, or no longer answers: with a new session it may be back. */
export class DeviceLost extends NagError {
  override readonly name = 'DeviceLost';
  override readonly passing = true;
}

/** Bad input: a file, a row or a value that is not what it must be. The message starts with the place. */
export class DataError extends NagError {
  override readonly name = 'DataError';
  readonly place: Place;
  /** The message without the place. */
  readonly reason: string;

  constructor(place: Place, message: string, options?: ErrorOptions) {
    super(
      place.file === undefined && placeText(place) === '' ? message : `${placeText(place)}: ${message}`,
      options,
    );
    this.place = place;
    this.reason = message;
  }
}

/** True for what is wrong with data themselves: what the file system says is no fault of theirs, and may pass. */
export function isBadData(thrown: unknown): thrown is DataError {
  if (!(thrown instanceof DataError)) return false;
  return !hasErrorCode(thrown.cause);
}

function hasErrorCode(thrown: unknown): thrown is NodeJS.ErrnoException {
  return thrown instanceof Error && 'code' in thrown && /^E[A-Z0-9]+$/.test(String(thrown.code));
}

/** `pool/a.parquet: row 17, column "doc"` */
export function placeText(place: Place): string {
  const inside = [
    place.row === undefined ? '' : `row ${place.row}`,
    place.line === undefined ? '' : `line ${place.line}`,
    place.column === undefined ? '' : `column "${place.column}"`,
  ].filter(Boolean);
  return [place.file ?? '', inside.join(', ')].filter(Boolean).join(': ');
}

/** The text of whatever was thrown: libraries throw strings and bare objects too. */
export function messageOf(thrown: unknown): string {
  if (thrown instanceof Error) return thrown.message;
  return typeof thrown === 'string' ? thrown : JSON.stringify(thrown);
}

/** True for what the operating system refuses, as Node throws it: `EACCES: permission denied, open '/a/file'`. */
export function isRefusal(thrown: unknown): thrown is NodeJS.ErrnoException {
  return hasErrorCode(thrown) && thrown.syscall !== undefined;
}

const refusals: Readonly<Record<string, string>> = {
  EACCES: 'permission denied for this user',
  EPERM: 'permission denied for this user',
  ENOENT: 'there is no such file or folder',
  ENOTDIR: 'a part of the path is a file, not a folder',
  EISDIR: 'is a folder',
  EROFS: 'the file system is read-only',
};

/** What the operating system refuses, in words; `at` is its path, where the message does not name it yet. */
export function refusalText(thrown: unknown, at?: string): string {
  const text = isRefusal(thrown) ? refusals[thrown.code ?? ''] : undefined;
  if (text === undefined) return messageOf(thrown);
  return at === undefined ? text : `${text} (${at})`;
}

/** True for the error codes of a full disk or an exceeded quota. */
export function isDiskFull(thrown: unknown): boolean {
  return (
    thrown instanceof Error && 'code' in thrown && (thrown.code === 'ENOSPC' || thrown.code === 'EDQUOT')
  );
}
