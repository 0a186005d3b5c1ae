import { table } from '../../pipeline/table.js';

/** How many documents selections have in common, and how alike they are. */
export interface Overlap {
  readonly targets: readonly string[];
  /** Selected for each target. */
  readonly documents: readonly number[];
  /** [targets][targets] in both selections */
  readonly common: readonly (readonly number[])[];
  /** [targets][targets] in both, divided by in either; 1 where both are empty */
  readonly jaccard: readonly (readonly number[])[];
}

/** Wider tables are not printed. */
const mostPrinted = 10;

/** @param chosenFor of each document that was selected the targets that selected it */
export function overlapOf(targets: readonly string[], chosenFor: Iterable<readonly number[]>): Overlap {
  const common = targets.map(() => targets.map(() => 0));
  for (const own of chosenFor) for (const a of own) for (const b of own) common[a]![b]!++;
  const documents = common.map((row, target) => row[target]!);
  const jaccard = common.map((row, a) =>
    row.map((both, b) => {
      const either = documents[a]! + documents[b]! - both;
      return either === 0 ? 1 : both / either;
    }),
  );
  return { targets, documents, common, jaccard };
}

/** The overlap as a table, for people. @param stage whose selections these are */
export function overlapText({ targets, documents, common, jaccard }: Overlap, stage: string): string {
  const title = `Overlap of the selections of ${stage}: documents in common (Jaccard)`;
  if (targets.length > mostPrinted)
    return `${title}: ${targets.length} targets, too many for a table; it is in the output's footer as nag.overlap`;
  const rows = targets.map((name, a) => [
    name,
    String(documents[a]),
    ...targets.map((_, b) => (a === b ? '-' : `${common[a]![b]} (${jaccard[a]![b]!.toFixed(2)})`)),
  ]);
  return `${title}\n${table(['target', 'documents', ...targets], rows)}`;
}
