import { rowRange } from './arrow/row-range.js';
import { type Batch, keepRows } from './batch.js';

/**
 * The rows of a bundle before one of them, and those from it on, in one reading. `before` is read first, or not at all
 * where nothing comes before; each has at least one batch, if only with no rows. `close` ends the reading.
 */
export function splitRows(
  batches: AsyncGenerator<Batch>,
  row: number,
): { before: AsyncGenerator<Batch>; after: AsyncGenerator<Batch>; close(): Promise<unknown> } {
  let rest: Batch | undefined;
  async function* before() {
    for (let next = await batches.next(); !next.done; next = await batches.next()) {
      const [own, others] = cut(next.value, row);
      rest = others;
      yield own;
      if (others.rows.length > 0) return;
    }
  }
  async function* after() {
    if (rest) yield rest;
    rest = undefined;
    yield* batches;
  }
  return { before: before(), after: after(), close: () => batches.return(undefined) };
}

function cut(batch: Batch, row: number): [Batch, Batch] {
  const at = batch.rows.findIndex((own) => own >= row);
  const here = at < 0 ? batch.rows.length : at;
  const positions = rowRange(0, batch.rows.length);
  return [keepRows(batch, positions.subarray(0, here)), keepRows(batch, positions.subarray(here))];
}
