import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { parts } from './parts.js';
import { writeReport } from './report.js';
import { type Row, readRows, tableOf, writeRows } from './row.js';

/**
 * `npm run faults [-- PART… --count N --points TEXT --seed S --minutes M --workers W --report FILE --rows FILE…]`. Rows of several
 * commands make one report: each adds its own to the first of its files; the part `none` only reports.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    count: { type: 'string' },
    seed: { type: 'string', default: '1' },
    points: { type: 'string' },
    minutes: { type: 'string' },
    workers: { type: 'string', default: String(availableParallelism()) },
    report: { type: 'string' },
    rows: { type: 'string', multiple: true, default: [] },
  },
});
const unknown = positionals.find((name) => name !== 'none' && !parts.has(name));
if (unknown !== undefined) throw new Error(`no part "${unknown}": ${[...parts.keys()].join(', ')}`);
const names = positionals.length > 0 ? positionals.filter((name) => name !== 'none') : [...parts.keys()];
const whole = await mkdtemp(join(tmpdir(), 'nag-faults-'));
const rows: Row[] = (await Promise.all(values.rows.map(readRows))).flat();
try {
  for (const name of names) {
    console.error(`${name} …`);
    const made = await parts.get(name)!({
      folder: join(whole, name),
      seed: Number(values.seed),
      count: values.count === undefined ? undefined : Number(values.count),
      points: values.points,
      minutes: values.minutes === undefined ? undefined : Number(values.minutes),
      workers: Number(values.workers),
      say: (text) => console.error(text),
    });
    rows.push(...made);
    if (values.rows[0] !== undefined) await writeRows(values.rows[0], rows);
    console.log(tableOf(made));
    for (const row of made) for (const defect of row.defects) console.log(`  DEFECT ${row.what}: ${defect}`);
  }
  const report = values.report ?? (positionals.length === 0 ? 'docs/reliability.md' : undefined);
  if (report !== undefined) await writeReport(report, rows, Number(values.seed), process.argv.slice(2));
} finally {
  await rm(whole, { recursive: true, force: true });
}
if (rows.some(({ defects }) => defects.length > 0)) process.exitCode = 1;
