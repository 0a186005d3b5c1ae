import { Counter, Gauge, Registry } from 'prom-client';
import type { RunRecord, StageRecord } from '../state/record.js';
import { type Sample, samplesOf } from './samples.js';
import { selectionMetrics } from './selection.js';

/** What the record of a run does not tell. */
export interface Moment {
  /** Memory of the process now, in bytes. */
  readonly residentBytes: number;
  /** When the last complete run ended, in seconds since 1970; undefined where there was none. */
  readonly lastSuccess: number | undefined;
}

const statuses = ['running', 'complete', 'failed', 'stopped'] as const;

export const contentType = Registry.PROMETHEUS_CONTENT_TYPE;
export const lastSuccessName = 'nag_run_last_success_timestamp_seconds';

/**
 * A run in the text format of Prometheus. Every sample has the pipeline's `name` as a label, so that several pipelines of a
 * machine are told apart. Metrics without a value are left out.
 */
export async function exposition(record: RunRecord, moment: Moment): Promise<string> {
  const registry = new Registry();
  registry.setDefaultLabels({ name: record.name });
  const of =
    (type: typeof Counter | typeof Gauge): Tell =>
    (name, help, given) => {
      const samples = given.filter(([, value]) => Number.isFinite(value));
      if (samples.length === 0) return;
      const labelNames = Object.keys(samples[0]![0]);
      const metric = new type({ name, help, labelNames, registers: [registry] });
      for (const [labels, value] of samples) metric.inc(labels, value);
    };
  const [counter, gauge] = [of(Counter), of(Gauge)];
  run(record, moment, gauge);
  stages(record.stages, counter, gauge);
  for (const { name, help, samples } of selectionMetrics(record.stages)) gauge(name, help, samples);
  return await registry.metrics();
}

type Tell = (name: string, help: string, samples: readonly Sample[]) => void;

function run(record: RunRecord, { residentBytes, lastSuccess }: Moment, gauge: Tell): void {
  const one = (value: number | null | undefined): Sample[] => (value == null ? [] : [[{}, value]]);
  const { config, version, provenance, status, startedAt, seconds, exitCode, attempts } = record;
  const info = { config: config.hash, version, model: provenance['nag.model'] ?? '' };
  gauge('nag_run_info', 'Hash of the configuration, version of the program, fingerprint of the model.', [
    [info, 1],
  ]);
  gauge(
    'nag_run_status',
    'Whether the run has this status: 1 for one of them, 0 for the others.',
    statuses.map((own) => [{ status: own }, own === status ? 1 : 0]),
  );
  gauge('nag_run_start_timestamp_seconds', 'When the run started.', one(Date.parse(startedAt) / 1000));
  gauge('nag_run_duration_seconds', 'How long the run has taken so far.', one(seconds));
  gauge(lastSuccessName, 'When the last complete run ended.', one(lastSuccess));
  gauge('nag_run_exit_code', 'Exit code of the run; only once it has ended.', one(exitCode));
  gauge('nag_run_attempts', 'How often the run was tried.', one(attempts));
  gauge('nag_process_peak_memory_bytes', 'Most resident memory so far.', one(record.peakMemoryBytes));
  gauge('nag_process_resident_memory_bytes', 'Resident memory now.', one(residentBytes));
}

function stages(records: readonly StageRecord[], counter: Tell, gauge: Tell): void {
  counter(
    'nag_stage_rows_in_total',
    'Rows that came to the stage.',
    samplesOf(records, ({ rowsIn }) => rowsIn),
  );
  counter(
    'nag_stage_rows_out_total',
    'Rows that went on.',
    samplesOf(records, ({ rowsOut }) => rowsOut),
  );
  counter(
    'nag_stage_left_out_total',
    'Rows that the stage left out, by reason.',
    records.flatMap(({ id, leftOut }) =>
      Object.entries(leftOut).map(([reason, rows]): Sample => [{ stage: id, reason }, rows]),
    ),
  );
  counter(
    'nag_stage_rejected_total',
    'Rows that could not be used.',
    samplesOf(records, ({ rejected }) => rejected),
  );
  counter(
    'nag_stage_tokens_total',
    'Tokens that the model has read.',
    samplesOf(records, ({ kind, figures }) => (kind === 'transform' ? figures['tokens'] : undefined)),
  );
  gauge(
    'nag_stage_seconds',
    'How long the stage has taken so far.',
    samplesOf(records, ({ seconds }) => seconds),
  );
}
