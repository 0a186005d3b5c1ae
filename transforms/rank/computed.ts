import { Float64, makeData } from 'apache-arrow';
import { gatherBatch } from '../../pipeline/arrow/gather.js';
import { SpillFile } from '../../pipeline/arrow/ipc-spill.js';
import { type Batch, inputOrder, keepRows, selectColumns, withColumn } from '../../pipeline/batch.js';

/** Hidden column of a spill: each row's place in the input. */
const orderColumn = '#order';

/** Computed columns of documents that may be selected, on disk until it is known which are. */
export class ComputedColumns {
  readonly #name: (index: number) => string;
  #spill: SpillFile | undefined;
  /** Input order of the first row of each batch in the spill. */
  readonly #first: number[] = [];

  constructor(
    private readonly tempDir: string,
    id: string,
  ) {
    this.#name = (index) => `nag-computed-${process.pid}-${id}-${index}.arrow`;
  }

  /** Keeps the computed columns, less those named in `without`, of some rows of a batch. */
  async keep(batch: Batch, positions: Uint32Array, without: ReadonlySet<string>): Promise<void> {
    const { fields } = batch.columns.schema;
    const wanted = fields.flatMap(({ name }, i) =>
      batch.computed.has(name) && !without.has(name) && !name.startsWith('#') ? [i] : [],
    );
    if (wanted.length === 0 || positions.length === 0) return;
    const columns = gatherBatch(selectColumns(batch.columns, wanted), positions);
    const orders = Float64Array.from(positions, (row) => inputOrder(batch, row));
    const data = makeData({ type: new Float64(), data: orders, nullCount: 0 });
    const rows = positions.map((row) => batch.rows[row]!);
    const numbered = withColumn({ ...batch, columns, rows }, orderColumn, data);
    this.#spill ??= await SpillFile.create(this.tempDir, this.#name(spillCount++));
    await this.#spill.append(numbered.columns);
    this.#first.push(orders[0]!);
  }

  /** Puts the kept columns beside rows that were read again; these come in input order, each of them kept. */
  async *attach(input: AsyncIterable<Batch>): AsyncGenerator<Batch> {
    if (!this.#spill) {
      yield* input;
      return;
    }
    let at = 0;
    let kept = await this.#load(at);
    for await (const batch of input) {
      for (let row = 0; row < batch.rows.length; ) {
        const order = inputOrder(batch, row);
        while (this.#first[at + 1] !== undefined && this.#first[at + 1]! <= order)
          kept = await this.#load(++at);
        const end = endOfRun(batch, row, this.#first[at + 1] ?? Infinity);
        yield joined(keepRows(batch, range(row, end)), kept);
        row = end;
      }
    }
  }

  async close(): Promise<void> {
    await this.#spill?.close();
  }

  async #load(index: number) {
    const columns = await this.#spill!.batchAt(index);
    return { columns, orders: columns.getChild(orderColumn)!.toArray() as Float64Array };
  }
}

let spillCount = 0;

function joined(batch: Batch, kept: { columns: Batch['columns']; orders: Float64Array }): Batch {
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

function range(start: number, end: number): Uint32Array {
  return Uint32Array.from({ length: end - start }, (_, i) => start + i);
}
