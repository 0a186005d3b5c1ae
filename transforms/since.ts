import type { Memory } from '../pipeline/component.js';

/** `since the last run (2026-11-23 02:14 UTC)` */
export function sinceText({ since }: Memory): string {
  const when = since ? ` (${since.toISOString().slice(0, 16).replace('T', ' ')} UTC)` : '';
  return `since the last run${when}`;
}
