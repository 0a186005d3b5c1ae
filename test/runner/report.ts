import type { Parser, Result } from 'tap-parser';

/** An assertion, or a test that ended otherwise than by one. */
export interface Found {
  /** Path of the file, names of the tests around it, and its own. */
  readonly path: readonly string[];
  readonly result: Result;
}

export interface Summary {
  passed: number;
  readonly skipped: Found[];
  readonly failed: Found[];
}

/** Sums up the TAP of many test files; `onFile` is called when one is done. */
export function follow(parser: Parser, onFile: (file: Result, own: Summary) => void): Summary {
  const whole = emptySummary();
  let own = emptySummary();
  collect(parser, [], (found) => {
    for (const summary of [whole, own]) add(summary, found);
  });
  parser.on('assert', (result: Result) => {
    onFile(result, own);
    own = emptySummary();
  });
  return whole;
}

function emptySummary(): Summary {
  return { passed: 0, skipped: [], failed: [] };
}

function add(summary: Summary, found: Found): void {
  const { ok, skip, todo } = found.result;
  if (skip !== false || todo !== false) summary.skipped.push(found);
  else if (ok) summary.passed++;
  else summary.failed.push(found);
}

/** Calls `take` for each assertion below; returns whether one has failed since the function was last asked. */
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
  const { at, diff, stack, exitCode, signal, found, wanted } = diag;
  const place = at as { fileName?: string; lineNumber?: number } | undefined;
  const lines = [`FAILED ${path.join(' > ')}`];
  if (place?.fileName !== undefined) lines.push(`  at ${place.fileName}:${place.lineNumber ?? '?'}`);
  if (typeof diff === 'string') lines.push(...diff.trimEnd().split('\n'));
  else if (wanted !== undefined || found !== undefined)
    lines.push(`expected ${JSON.stringify(wanted)}`, `found ${JSON.stringify(found)}`);
  else if (typeof stack === 'string') lines.push(...stack.trimEnd().split('\n'));
  if (exitCode !== undefined) lines.push(`the file ended with ${String(signal ?? exitCode)}`);
  const cut = lines.length > longestDetail ? [`… ${lines.length - longestDetail} lines more`] : [];
  return [...lines.slice(0, longestDetail), ...cut].join('\n  ');
}

/** A line a file: how many assertions, seconds, name. */
export function fileText(file: Result, { passed, failed, skipped }: Summary): string {
  const counts = [
    `${String(passed).padStart(5)} passed`,
    ...(failed.length > 0 ? [`${failed.length} FAILED`] : []),
    ...(skipped.length > 0 ? [`${skipped.length} skipped`] : []),
  ];
  return `${((file.time ?? 0) / 1000).toFixed(1).padStart(6)} s ${counts.join(', ')}  ${file.name}`;
}

/** What stands at the end: reasons for skips, failures, totals. */
export function endText({ passed, failed, skipped }: Summary): string {
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
