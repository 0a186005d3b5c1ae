/**
 * `node dist/test/runner/main.js quick|rest|FILE…` runs tests that are compiled: those that need minutes all together, the
 * others (`*.slow.test.ts`), or single files, by the name of the source or of what was made of it.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { globSync } from 'tinyglobby';
import { filesOf } from './files.js';

const args = process.argv.slice(2);
// By their sources: what was compiled of a test that is gone may still be there.
const all = globSync('test/**/*.test.ts')
  .sort()
  .map((file) => `dist/${file.replace(/\.ts$/, '.js')}`);
/** tap comes with a compiler for tests, which .taprc leaves out: built anew without it, a file starts in half the time. */
function buildTap(): void {
  const built = readFileSync('node_modules/@tapjs/test/test-built/dist/esm/index.js', 'utf8');
  if (built.includes('@tapjs/typescript'))
    spawnSync('node_modules/.bin/tap', ['build'], { stdio: 'inherit' });
}

try {
  buildTap();
  const report = process.stdout.isTTY
    ? []
    : ['--reporter=node', '--reporter-arg=dist/test/runner/tap-report.js'];
  const { status } = spawnSync('node_modules/.bin/tap', ['run', ...report, ...filesOf(args, all)], {
    stdio: 'inherit',
  });
  // tap takes the last line break of a reporter.
  if (!process.stdout.isTTY) console.log();
  process.exitCode = status ?? 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
