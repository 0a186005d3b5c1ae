import { z } from 'zod';
import { columnName } from '../own-column.js';
import { distanceColumn } from '../score.js';

const quality = z.strictObject({
  column: z.string().min(1).describe('Column of quality scores; rows without one are left out'),
  invert: z.boolean().default(false).describe('Larger scores are better'),
});

const columns = z.strictObject({
  rank: columnName('nag_rank').describe('Column of places in the ranking, from 0'),
  target: columnName('target').describe('Column of the target that a row was chosen for'),
  combined: columnName('combined_score').describe('Column of distance and quality together'),
});

export const rankOptions = z
  .strictObject({
    fraction: z.number().positive().max(1).optional().describe("Budget: this share of the pool's tokens"),
    tokens: z.int().min(1).optional().describe('Budget: this number of tokens'),
    shares: z
      .record(z.string(), z.number().positive())
      .optional()
      .describe('Of several targets: how much of the budget each gets, in sum 1. Without it all the same'),
    deduplicate: z
      .boolean()
      .default(false)
      .describe(
        'Keep only the first of each docid; otherwise a document that several targets choose comes several times',
      ),
    quality: quality
      .optional()
      .describe(
        'Rank by distance and quality together: {column, invert}, both scaled to 0 … 1 and added; invert where larger scores are better',
      ),
    by: columnName(distanceColumn).describe('Column of distances to rank by, as column names it on score'),
    columns: columns.prefault({}).describe("Names of the stage's own columns: {rank, target, combined}"),
    memory_mb: z
      .number()
      .positive()
      .default(1024)
      .describe(
        'Memory for the documents that may be selected (about 50 bytes each); beyond it their keys go to disk, with the same result',
      ),
  })
  .refine(({ fraction, tokens }) => (fraction === undefined) !== (tokens === undefined), {
    message: 'give either fraction (a share of the tokens) or tokens (their number)',
  })
  .refine(({ by, columns }) => new Set([by, ...Object.values(columns)]).size === 4, {
    path: ['columns'],
    message: 'two of the columns have one name',
  })
  .refine(({ shares }) => !shares || Math.abs(sum(Object.values(shares)) - 1) < 1e-9, {
    path: ['shares'],
    message: 'the shares of all targets must add up to 1',
  });

export type RankOptions = z.output<typeof rankOptions>;

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
