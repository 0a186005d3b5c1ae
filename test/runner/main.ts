/**
 * `node dist/test/runner/main.js quick|rest|FILE…` runs tests that are compiled: those that need minutes all together, the
 * others (`*.slow.test.ts`), or single files, by the name of the source or of what was made of it. Prints a line a file, and
 * at the end what was skipped, what failed, and `N passed, N failed`.
 */
import pLimit from 'p-limit';
import { globSync } from 'tinyglobby';
import { filesOf } from './files.js';
import { endText, fileText, type Summary } from './report.js';
import { runFile } from './run-file.js';

/** Files at a time: more than two cores' worth, since many wait for the disk or for a process. */
const jobs = 4;

// By their sources: what was compiled of a test that is gone may still be there.
const all = globSync('test/**/*.test.ts')
  .sort()
  .map((file) => `dist/${file.replace(/\.ts$/, '.js')}`);
try {
  const limit = pLimit(jobs);
  const summaries = await Promise.all(
    filesOf(process.argv.slice(2), all).map((file) => limit(() => runAndTell(file))),
  );
  console.log(endText(summaries));
  if (summaries.some(({ failed }) => failed.length > 0)) process.exitCode = 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}

async function runAndTell(file: string): Promise<Summary> {
  const startedAt = performance.now();
  const summary = await runFile(file);
  console.log(fileText(file, (performance.now() - startedAt) / 1000, summary));
  return summary;
}
