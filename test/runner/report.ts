import type { Parser, Result } from 'tap-parser';

/** An assertion, or a test that ended otherwise than by one. */
export interface Found {
  /** Path of the file, names of the tests around it, and its own. */
  readonly path: readonly string[];
  readonly result: Pick<Result, 'ok' | 'skip' | 'todo' | 'diag'>;
}

/** What the tests of a file said. */
export interface Summary {
  passed: number;
  readonly skipped: Found[];
  readonly failed: Found[];
}

export function emptySummary(): Summary {
  return { passed: 0, skipped: [], failed: [] };
}

/** Sums up the TAP that a parser is fed of one file. */
export function follow(parser: Parser, file: string): Summary {
  const summary = emptySummary();
  collect(parser, [file], (found) => {
    const { ok, skip, todo } = found.result;
    if (skip !== false || todo !== false) summary.skipped.push(found);
    else if (ok) summary.passed++;
    else summary.failed.push(found);
  });
  return summary;
}

/** Calls `take` for each assertion below; the function that it returns tells whether one has failed. */
function collect(parser: Parser, above: readonly string[], take: (found: Found) => void): () => boolean {
  let failed = false;
  let failedInside = () => false;
  parser.on('child', (child: Parser) => {
    failedInside = collect(child, [...above, child.name], take);
  });
  parser.on('assert', (result: Result) => {
    const inside = failedInside();
    failedInside = () => false;
    failed ||= !result.ok;
    // The line that closes a test repeats what its assertions said, unless it failed and none of them did.
    if (result.closingTestPoint && (result.ok || inside) && result.skip === false) return;
    take({ path: [...above, result.name], result });
  });
  return () => failed;
}

const longestDetail = 60;

/** File, test, place, expected and found of one failure. */
export function failureText({ path, result }: Found): string {
  const diag: Record<string, unknown> = result.diag ?? {};
  const { at, diff, stack, ended, found, wanted } = diag;
  const place = at as { fileName?: string; lineNumber?: number } | undefined;
  const lines = [`FAILED ${path.join(' > ')}`];
  if (place?.fileName !== undefined) lines.push(`  at ${place.fileName}:${place.lineNumber ?? '?'}`);
  if (typeof diff === 'string') lines.push(...diff.trimEnd().split('\n'));
  else if (wanted !== undefined || found !== undefined)
    lines.push(`expected ${JSON.stringify(wanted)}`, `found ${JSON.stringify(found)}`);
  else if (typeof stack === 'string') lines.push(...stack.trimEnd().split('\n'));
  if (typeof ended === 'string') lines.push(...ended.trimEnd().split('\n'));
  const cut = lines.length > longestDetail ? [`… ${lines.length - longestDetail} lines more`] : [];
  return [...lines.slice(0, longestDetail), ...cut].join('\n  ');
}

/** A line a file: seconds, how many assertions, name. */
export function fileText(file: string, seconds: number, { passed, failed, skipped }: Summary): string {
  const counts = [
    `${String(passed).padStart(5)} passed`,
    ...(failed.length > 0 ? [`${failed.length} FAILED`] : []),
    ...(skipped.length > 0 ? [`${skipped.length} skipped`] : []),
  ];
  return `${seconds.toFixed(1).padStart(6)} s ${counts.join(', ')}  ${file}`;
}

/** What stands at the end: reasons for skips, failures, totals. */
export function endText(summaries: readonly Summary[]): string {
  const skipped = summaries.flatMap((one) => one.skipped);
  const failed = summaries.flatMap((one) => one.failed);
  const passed = summaries.reduce((sum, one) => sum + one.passed, 0);
  const reasons = new Map<string, number>();
  for (const { result } of skipped) {
    const reason = String(result.skip || result.todo || 'no reason given');
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  const totals = [`${passed} passed`, `${failed.length} failed`];
  if (skipped.length > 0) totals.push(`${skipped.length} skipped`);
  return [
    ...[...reasons].map(([reason, count]) => `skipped ${count}: ${reason}`),
    ...failed.map(failureText),
    totals.join(', '),
  ].join('\n');
}
