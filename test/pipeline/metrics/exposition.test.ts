import t from 'tap';
import { exposition } from '../../../pipeline/metrics/exposition.js';
import { parseMetrics } from '../../fixtures/prometheus.js';
import { recordOf, stageRecordOf } from '../../fixtures/records.js';

const moment = { residentBytes: 123, lastSuccess: 1_700_000_000 };
const own = 'name="nightly"';

t.test('a run, by the rules of the text format', async (t) => {
  const metrics = parseMetrics(await exposition(recordOf(), moment));
  const value = (name: string, labels = own) => metrics.get(name)?.samples.get(labels);
  t.equal(value('nag_run_info', `config="c0ffee",model="abcd",${own},version="0.2.0"`), 1);
  t.strictSame(
    [...metrics.get('nag_run_status')!.samples],
    [
      [`${own},status="running"`, 0],
      [`${own},status="complete"`, 1],
      [`${own},status="failed"`, 0],
      [`${own},status="stopped"`, 0],
    ],
  );
  t.equal(value('nag_run_start_timestamp_seconds'), Date.UTC(2026, 10, 24, 2) / 1000);
  t.equal(value('nag_run_duration_seconds'), 3900);
  t.equal(value('nag_run_last_success_timestamp_seconds'), 1_700_000_000);
  t.equal(value('nag_run_exit_code'), 0);
  t.equal(value('nag_process_peak_memory_bytes'), 2e9);
  t.equal(value('nag_process_resident_memory_bytes'), 123);
  t.equal(value('nag_stage_left_out_total', `${own},reason="lang is not en",stage="pool"`), 7);
  t.equal(value('nag_stage_tokens_total', `${own},stage="extract"`), 99_000);
  t.equal(
    metrics.get('nag_stage_tokens_total')!.samples.size,
    1,
    'what rank selects is not read by the model',
  );
  t.equal(value('nag_stage_seconds', `${own},stage="rank"`), 1.5);
  t.equal(value('nag_selection_documents', `${own},stage="rank"`), 100);
  t.equal(value('nag_selection_tokens', `${own},stage="rank"`), 9900);
  t.equal(value('nag_selection_budget_tokens', `${own},stage="rank"`), 10_000);
  t.equal(value('nag_selection_entered_documents', `${own},stage="rank"`), 12);
  t.equal(value('nag_selection_drift_ratio', `${own},stage="profile"`), 0.5);
  for (const [name, { help }] of metrics) t.match(help, /^[A-Z].*\.$/, name);
});

t.test('rows in = rows out + left out + rejected', async (t) => {
  const metrics = parseMetrics(await exposition(recordOf(), moment));
  const sum = (name: string) =>
    [...metrics.get(name)!.samples].reduce(
      (total, [labels, value]) => total + (/stage="(pool|extract|rank|out)"/.test(labels) ? value : 0),
      0,
    );
  t.equal(
    sum('nag_stage_rows_in_total'),
    sum('nag_stage_rows_out_total') + sum('nag_stage_left_out_total') + sum('nag_stage_rejected_total'),
  );
});

t.test('what is not known is left out, and odd names are escaped', async (t) => {
  const record = recordOf({
    name: 'a "b"\\c\nd',
    status: 'running',
    exitCode: null,
    provenance: {},
    stages: [stageRecordOf('x', { kind: 'combine', figures: { drift: Number.NaN } })],
  });
  const metrics = parseMetrics(await exposition(record, { residentBytes: 1, lastSuccess: undefined }));
  const left = [...metrics.keys()];
  for (const name of [
    'nag_run_exit_code',
    'nag_run_last_success_timestamp_seconds',
    'nag_stage_left_out_total',
    'nag_selection_drift_ratio',
  ])
    t.notOk(left.includes(name), name);
  t.strictSame([...metrics.get('nag_run_attempts')!.samples.keys()], ['name="a \\"b\\"\\\\c\\nd"']);
  parseMetrics(await exposition({ ...record, stages: [] }, moment));
});
