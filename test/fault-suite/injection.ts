/** The environment variable with an `Injection` as JSON. */
export const injectionVariable = 'NAG_FAULT';

/** What is to happen to a run, and where. */
export interface Injection {
  /** Only operations on paths below this folder count. */
  readonly root: string;
  /** A file to which each operation's point is written. */
  readonly trace?: string;
  /** A point, as in the trace: `rename out/.a.tmp-*\/a > out/a#1`. */
  readonly at?: string;
  readonly act?: 'kill' | 'EIO' | 'EACCES' | 'ENOSPC' | 'clock';
  /** For kills: before the operation, after the first half of a write, or after it. */
  readonly when?: When;
  /** The error stays: what opens, makes and writes fails from then on. */
  readonly lasting?: boolean;
  /** How far the clock jumps. */
  readonly hours?: number;
}

export type When = 'before' | 'half' | 'after';

/** A path as it is the same in each run: below the root, without process ids, random parts, times and hashes. */
export function pointName(path: string, root: string): string {
  return path
    .replaceAll(`${root}/`, '')
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, '*')
    .replace(/\d{8}T\d{6}(?:\.?\d+)?Z(?:-[0-9a-f]+)?/g, 'RUN')
    .replace(/([-.])\d+-[0-9a-f]{6,}(?=[/. ]|$)/g, '$1*')
    .replace(/\.(tmp|old)-[0-9a-f]{8}-\*/g, '.$1-*')
    .replace(/\.[0-9a-f]{8}\.(arrow|json)/g, '.CRC.$1')
    .replace(/(?<=\/)[0-9a-f]{16,}(?=[-/. ]|$)/g, 'HASH')
    .replace(/nag-\w{6}(?=[/ ]|$)/g, 'nag-*');
}
