import type { Prepared } from '../pipeline/component.js';
import { stageFiles } from './stage-files.js';

/** What a sink prints at the end of the run and, where a path is given, writes as JSON. Numbers that are none are null. */
export async function prepareReport(
  rows: number,
  report: string,
  { path, value }: { readonly path: string | undefined; readonly value: unknown },
): Promise<Prepared> {
  const content = `${JSON.stringify(value, null, 2)}\n`;
  return { rows, report, ...(await stageFiles(path === undefined ? [] : [{ path, content }])) };
}
