import { count, duration } from './progress.js';
import { lastSeen, localTime } from './runs-text.js';
import { stagesTable } from './stages-table.js';
import type { Outcome } from './state/outcome.js';
import type { InputRecord, RunRecord } from './state/record.js';
import { table } from './table.js';

/** All that a record tells, as one reads it the morning after. */
export function runText(record: RunRecord, outcome: Outcome): string {
  const { notes, reports } = record;
  return [
    [`${record.name}: ${happened(record, outcome)}`],
    facts(record, outcome),
    record.error === null ? [] : ['error', indented(record.error)],
    inputText(record),
    record.stages.length === 0 ? [] : ['stages', stagesTable(record.stages, record.seconds)],
    outputText(record),
    notes.length === 0 ? [] : ['notes', ...notes.map((note) => indented(`- ${note}`))],
    ...reports.map((report) => [report]),
  ]
    .filter((part) => part.length > 0)
    .map((part) => part.join('\n'))
    .join('\n\n');
}

/** The moment at which its record was last written. */
function seenAt(record: RunRecord): string {
  const iso = lastSeen(record);
  return `${localTime(iso)} (${iso})`;
}

function happened({ seconds, exitCode, process, attempts }: RunRecord, outcome: Outcome): string {
  const took = duration(seconds);
  const tried = attempts > 1 ? `, at attempt ${attempts}` : '';
  switch (outcome) {
    case 'complete':
      return `complete in ${took}${tried}; everything was published`;
    case 'running':
      return `goes on, in process ${process.pid} on ${process.host}${tried}; this is how it stood after ${took}`;
    case 'killed':
      return `killed after ${took} or later${tried}: its process ${process.pid} on ${process.host} ended without a record of how`;
    case 'stopped':
      return `stopped after ${took}${tried}, exit code ${exitCode}`;
    case 'failed':
      return `failed after ${took}${tried}, exit code ${exitCode}`;
  }
}

function facts(record: RunRecord, outcome: Outcome): string[] {
  const { config, startedAt, endedAt, provenance, quarantine } = record;
  const values = Object.entries(config.params).map(([name, value]) => `${name}=${value ?? ''}`);
  // The name, the version and the configuration's hash stand here already.
  const known = new Set(['nag.name', 'nag.version', 'nag.config']);
  const made = Object.entries(provenance).filter(([name]) => !known.has(name));
  const lines: [string, string][] = [
    ['run', record.id],
    ['started', `${localTime(startedAt)} (${startedAt})`],
    ...(endedAt === null ? [] : [['ended', `${localTime(endedAt)} (${endedAt})`] satisfies [string, string]]),
    ...(outcome === 'killed' ? [['last seen', seenAt(record)] satisfies [string, string]] : []),
    ['config', config.file],
    ['hash', config.hash],
    ...(values.length === 0 ? [] : [['params', values.join(', ')] satisfies [string, string]]),
    ['version', record.version],
    ['process', `${record.process.pid} on ${record.process.host}`],
    ['peak memory', megabytes(record.peakMemoryBytes)],
    ['attempts', count(record.attempts)],
    ...made,
    ...(quarantine === null ? [] : [['quarantine', quarantine] satisfies [string, string]]),
  ];
  const width = Math.max(...lines.map(([name]) => name.length));
  return lines.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`);
}

function inputText({ inputs }: RunRecord): string[] {
  const sources = Object.entries(inputs);
  if (sources.length === 0) return [];
  const rows = sources.map(([source, { files, bytes, rows, counts, fingerprint }]) => [
    source,
    count(files),
    count(bytes / 1e6),
    rows === null ? '-' : count(rows),
    count(counts.new),
    count(counts.changed),
    count(counts.gone),
    fingerprint ?? '-',
  ]);
  const header = ['source', 'files', 'MB', 'rows', 'new', 'changed', 'gone', 'fingerprint'];
  return ['input', table(header, rows), ...sources.flatMap(([source, input]) => fileNames(source, input))];
}

function fileNames(source: string, input: InputRecord): string[] {
  return (['new', 'changed', 'gone'] as const).flatMap((what) => {
    const more = input.counts[what] - input[what].length;
    return [
      ...input[what].map((file) => `  ${what} in ${source}: ${file}`),
      ...(more > 0 ? [`  ${what} in ${source}: ${count(more)} more`] : []),
    ];
  });
}

function outputText({ outputs }: RunRecord): string[] {
  if (outputs.length === 0) return [];
  const rows = outputs.flatMap(({ stage, path, rows, files }) =>
    (files.length > 0 ? files : [{ path, bytes: 0, sha256: '-' }]).map((file, i) => [
      i === 0 ? stage : '',
      i === 0 ? count(rows) : '',
      count(file.bytes),
      file.sha256,
      file.path,
    ]),
  );
  return ['outputs', table(['stage', 'rows', 'bytes', 'sha256', 'file'], rows)];
}

function megabytes(bytes: number): string {
  return `${count(bytes / 1e6)} MB`;
}

function indented(text: string): string {
  return text.replace(/^/gm, '  ');
}
