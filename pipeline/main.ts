#!/usr/bin/env node
import { failureOf } from './cli/failure.js';
import { main } from './cli/main.js';
import { version } from './cli/version.js';

const args = process.argv.slice(2);

// A reader that has seen enough (`nag-pipeline list | head -1`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});
// A log that nobody reads, or whose disk is full, must not end a run; and there is nowhere left to tell it.
process.stderr.on('error', () => undefined);

// Awaited: were nothing left to wait for before the end, Node would exit with 13, and not with 0.
await main(args, version()).catch((error: unknown) => {
  const { exitCode, text } = failureOf(error, args);
  process.stderr.write(text);
  process.exitCode = exitCode;
});
