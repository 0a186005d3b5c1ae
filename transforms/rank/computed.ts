import { randomUUID } from 'node:crypto';
import { Float64, makeData } from 'apache-arrow';
import { gatherBatch } from '../../pipeline/arrow/gather.js';
import { SpillFile } from '../../pipeline/arrow/ipc-spill.js';
import { rowRange } from '../../pipeline/arrow/row-range.js';
import { type Batch, inputOrder, keepRows, selectColumns, withColumn } from '../../pipeline/batch.js';

/** Hidden column of a spill: each row's place in the input. */
const orderColumn = '#order';

/** Computed columns of documents that may be selected, on disk until it is known which are. */
export class ComputedColumns {
  readonly #tempDir: string;
  #spill: SpillFile | undefined;
  readonly #parts: Part[] = [];
  /** The columns without rows, for a selection of nothing. */
  #none: Kept | undefined;
  /** Spills taken over by `merge`. */
  readonly #others: ComputedColumns[] = [];

  constructor(tempDir: string) {
    this.#tempDir = tempDir;
  }

  /** Keeps the computed columns, less those named in `without`, of some rows of a batch. */
  async keep(batch: Batch, positions: Uint32Array, without: ReadonlySet<string>): Promise<void> {
    const { fields } = batch.columns.schema;
    const wanted = fields.flatMap(({ name }, i) =>
      batch.computed.has(name) && !without.has(name) && !name.startsWith('#') ? [i] : [],
    );
    if (wanted.length === 0) return;
    const selected = selectColumns(batch.columns, wanted);
    this.#none ??= { columns: gatherBatch(selected, new Uint32Array(0)), orders: new Float64Array(0) };
    if (positions.length === 0) return;
    const columns = gatherBatch(selected, positions);
    const orders = Float64Array.from(positions, (row) => inputOrder(batch, row));
    const data = makeData({ type: new Float64(), data: orders, nullCount: 0 });
    const rows = positions.map((row) => batch.rows[row]!);
    const numbered = withColumn({ ...batch, columns, rows }, orderColumn, data);
    this.#spill ??= await SpillFile.create(this.#tempDir, `nag-computed-${randomUUID()}.arrow`);
    await this.#spill.append(numbered.columns);
    this.#parts.push({ spill: this.#spill, index: this.#spill.batches - 1, first: orders[0]! });
  }

  /** Takes over the columns of another part of the input. */
  merge(other: ComputedColumns): void {
    this.#others.push(other);
    this.#none ??= other.#none;
    this.#parts.push(...other.#parts);
    this.#parts.sort((a, b) => a.first - b.first);
  }

  /**
   * Puts the kept columns beside rows that were read again; these come in input order, each of them kept.
   * @param temporary names of columns beside which those of the source are kept aside
   */
  async *attach(
    input: AsyncIterable<Batch>,
    temporary: ReadonlySet<string> = new Set(),
  ): AsyncGenerator<Batch> {
    const parts = this.#parts;
    let at = -1;
    let kept = this.#none;
    for await (const batch of input) {
      if (!kept || batch.rows.length === 0) {
        yield kept ? joined(batch, kept, temporary) : batch;
        continue;
      }
      for (let row = 0; row < batch.rows.length; ) {
        const order = inputOrder(batch, row);
        let next = at;
        while (parts[next + 1] && parts[next + 1]!.first <= order) next++;
        if (next > at) kept = await load(parts[next]!);
        at = next;
        const end = endOfRun(batch, row, parts[at + 1]?.first ?? Infinity);
        yield joined(keepRows(batch, rowRange(row, end - row)), kept, temporary);
        row = end;
      }
    }
  }

  async close(): Promise<void> {
    await this.#spill?.close();
    for (const other of this.#others) await other.close();
  }
}

/** A batch in a spill, and the input order of its first row. */
interface Part {
  readonly spill: SpillFile;
  readonly index: number;
  readonly first: number;
}

/** Computed columns of some rows, and these rows' input order. */
interface Kept {
  readonly columns: Batch['columns'];
  readonly orders: Float64Array;
}

async function load({ spill, index }: Part): Promise<Kept> {
  const columns = await spill.batchAt(index);
  return { columns, orders: columns.getChild(orderColumn)!.toArray() as Float64Array };
}

function joined(batch: Batch, kept: Kept, temporary: ReadonlySet<string>): Batch {
  const positions = new Uint32Array(batch.rows.length);
  let at = 0;
  for (let row = 0; row < positions.length; row++) {
    const order = inputOrder(batch, row);
    while (kept.orders[at]! < order) at++;
    if (kept.orders[at] !== order)
      throw new Error(`row ${row} was selected but its computed columns were not kept`);
    positions[row] = at;
  }
  const columns = gatherBatch(kept.columns, positions);
  return columns.schema.fields.reduce(
    (out, field, i) =>
      field.name === orderColumn
        ? out
        : withColumn(out, field.name, columns.data.children[i]!, {
            nullable: field.nullable,
            metadata: field.metadata,
            temporary: temporary.has(field.name),
          }),
    batch,
  );
}

/** The end of the rows from `row` on that come before an input order. */
function endOfRun(batch: Batch, row: number, before: number): number {
  let end = row + 1;
  while (end < batch.rows.length && inputOrder(batch, end) < before) end++;
  return end;
}
