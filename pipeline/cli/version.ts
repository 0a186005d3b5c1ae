import { createRequire } from 'node:module';

/** The version of this package. */
export function version(): string {
  const packageJson: unknown = createRequire(import.meta.url)('../../../package.json');
  return String((packageJson as { version: unknown }).version);
}
