#!/usr/bin/env node
import { main } from './cli/main.js';
import { version } from './cli/version.js';
import { messageOf, NagError } from './errors.js';

const args = process.argv.slice(2);

// A reader that has seen enough (`nag-pipeline list | head -1`) is no failure.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

main(args, version()).catch((error: unknown) => {
  const known = error instanceof NagError;
  const text = args.includes('--debug') && error instanceof Error ? debugText(error) : messageOf(error);
  process.stderr.write(
    known
      ? `${text}\n`
      : `nag-pipeline failed in a way it should not: ${text}\nRun again with --debug and report this, please.\n`,
  );
  process.exitCode = known ? error.exitCode : 1;
});

/** The stack traces of an error and of what caused it. */
function debugText(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by: ${debugText(error.cause)}` : '';
  return `${error.stack ?? error.message}${cause}`;
}
