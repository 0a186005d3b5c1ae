import type { StageRecord } from '../state/record.js';
import { samplesOf } from './samples.js';

/** Figures of stages that choose documents, as metrics: name of the figure, name of the metric, help. */
const figures = [
  ['tokens', 'nag_selection_tokens', 'Tokens of the selected documents.'],
  ['budget', 'nag_selection_budget_tokens', 'Tokens that might be selected.'],
  ['entered', 'nag_selection_entered_documents', 'Selected documents that the last run had not selected.'],
  ['left', 'nag_selection_left_documents', 'Documents that only the last run had selected.'],
  ['stayed', 'nag_selection_stayed_documents', 'Selected documents that the last run had selected too.'],
  ['tokens entered', 'nag_selection_entered_tokens', 'Tokens of the documents that entered.'],
  ['tokens left', 'nag_selection_left_tokens', 'Tokens of the documents that left.'],
] as const;

const drifts = [
  ['drift', 'nag_selection_drift_ratio', 'How far the target has moved since the last run.'],
  [
    'mean drift',
    'nag_selection_mean_drift_ratio',
    'How far the targets have moved since the last run, on average.',
  ],
  ['largest drift', 'nag_selection_largest_drift_ratio', 'How far that target has moved that moved most.'],
] as const;

/** What the stages' figures tell of the selection. */
export function selectionMetrics(stages: readonly StageRecord[]) {
  const combines = stages.filter(({ kind }) => kind === 'combine');
  const choosing = combines.filter((stage) => stage.figures['budget'] !== undefined);
  const metric =
    (from: readonly StageRecord[]) =>
    ([figure, name, help]: readonly [string, string, string]) => ({
      name,
      help,
      samples: samplesOf(from, (stage) => stage.figures[figure]),
    });
  return [
    {
      name: 'nag_selection_documents',
      help: 'Selected documents.',
      samples: samplesOf(choosing, ({ rowsOut }) => rowsOut),
    },
    ...figures.map(metric(choosing)),
    ...drifts.map(metric(combines)),
  ];
}
