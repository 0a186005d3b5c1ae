import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { Parser } from 'tap-parser';
import { follow, type Summary } from './report.js';

/** Seconds after which a file counts as hanging. */
const longest = 300;

/**
 * Runs a compiled test file in a process of its own. tap's runner does so too, but with loaders for coverage and mocks, with
 * which each process takes twice as long to start: only files that mock modules get theirs.
 */
export async function runFile(file: string): Promise<Summary> {
  const isMocking = (await readFile(file, 'utf8')).includes('mockImport');
  const loader = isMocking ? ['--import', '@tapjs/mock/import'] : [];
  const child = spawn(process.execPath, [...loader, '--enable-source-maps', file], {
    env: { ...process.env, TAP_TIMEOUT: String(longest) },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: (longest + 30) * 1000,
    killSignal: 'SIGKILL',
  });
  const parser = new Parser();
  const summary = follow(parser, file);
  const [[code, signal], stderr] = await Promise.all([
    once(child, 'close'),
    text(child.stderr),
    once(child.stdout.pipe(parser), 'complete'),
  ]);
  if (code !== 0 && summary.failed.length === 0) {
    const ended = `the file ended with ${signal ?? code}\n${stderr.trimEnd().split('\n').slice(-30).join('\n')}`;
    summary.failed.push({ path: [file], result: { ok: false, skip: false, todo: false, diag: { ended } } });
  }
  return summary;
}
