import { randomUUID } from 'node:crypto';
import { Binary, type Data, Float64, makeData, RecordBatch } from 'apache-arrow';
import { SpillFile } from '../../pipeline/arrow/ipc-spill.js';
import { NagError } from '../../pipeline/errors.js';
import { addValues, createMinMax, type MinMax, mergeMinMax, scaled } from '../nag/min-max.js';
import type { Offers } from './offers.js';

/**
 * Every document with its quality, on disk until the ranges of distances and quality are final: only then is known
 * which of two documents ranks before the other (NAG.md §5).
 */
export class Candidates {
  readonly #tempDir: string;
  #spill: SpillFile | undefined;
  /** Those taken over by `merge`. */
  readonly #others: Candidates[] = [];
  readonly #quality = createMinMax();
  /** A target. */
  readonly #distances: readonly MinMax[];

  constructor(tempDir: string, targets: number) {
    this.#tempDir = tempDir;
    this.#distances = Array.from({ length: targets }, createMinMax);
  }

  /** @param quality [rows] finite */
  async add(offers: Offers, quality: Float64Array): Promise<void> {
    if (offers.rows === 0) return;
    addValues(this.#quality, quality);
    for (const [target, range] of this.#distances.entries()) addValues(range, offers.scores[target]!);
    this.#spill ??= await SpillFile.create(this.#tempDir, `nag-candidates-${randomUUID()}.arrow`);
    await this.#spill.append(encode(offers, quality));
  }

  merge(other: Candidates): void {
    this.#others.push(other);
    mergeMinMax(this.#quality, other.#quality);
    for (const [target, range] of this.#distances.entries()) mergeMinMax(range, other.#distances[target]!);
  }

  /** All documents, with `minmax(distance) + minmax(quality)` as their scores; `invert` takes 1 − the latter. */
  async *scored(invert: boolean): AsyncGenerator<Offers> {
    const quality = this.#quality;
    if (quality.max - quality.min === Infinity)
      throw new NagError(`quality goes from ${quality.min} to ${quality.max}: too far apart to be scaled`);
    for await (const [offers, values] of this.#all()) {
      const scores = offers.scores.map((distances, target) =>
        distances.map((distance, row) => {
          const scaledQuality = scaled(quality, values[row]!);
          return scaled(this.#distances[target]!, distance) + (invert ? 1 - scaledQuality : scaledQuality);
        }),
      );
      yield { ...offers, scores };
    }
  }

  async close(): Promise<void> {
    await this.#spill?.close();
    for (const other of this.#others) await other.close();
  }

  async *#all(): AsyncGenerator<[Offers, Float64Array]> {
    if (this.#spill) for await (const { batch } of this.#spill.read()) yield decode(batch);
    for (const other of this.#others) yield* other.#all();
  }
}

function encode(offers: Offers, quality: Float64Array): RecordBatch {
  const order = Float64Array.from(quality, (_, row) => offers.order(row));
  const numbers = [quality, offers.tokens, order, ...offers.scores];
  const columns = numbers.map((data, i): [string, Data] => [
    String(i),
    makeData({ type: new Float64(), data, nullCount: 0 }),
  ]);
  return new RecordBatch(Object.fromEntries([...columns, ['docid', docidData(offers)]]));
}

function docidData({ rows, docid }: Offers): Data {
  const valueOffsets = new Int32Array(rows + 1);
  const parts: Uint8Array[] = [];
  for (let row = 0; row < rows; row++) {
    const bytes = docid(row)?.slice() ?? new Uint8Array(0);
    parts.push(bytes);
    valueOffsets[row + 1] = valueOffsets[row]! + bytes.length;
  }
  return makeData({
    type: new Binary(),
    length: rows,
    nullCount: 0,
    valueOffsets,
    data: Buffer.concat(parts),
  });
}

function decode(batch: RecordBatch): [Offers, Float64Array] {
  const docids = batch.getChild('docid')!;
  const numbers = batch.schema.fields
    .filter(({ name }) => name !== 'docid')
    .map(({ name }) => batch.getChild(name)!.toArray() as Float64Array);
  const [quality, tokens, order, ...scores] = numbers;
  const docid = (row: number) => docids.get(row) as Uint8Array;
  return [{ rows: batch.numRows, scores, tokens: tokens!, docid, order: (row) => order![row]! }, quality!];
}
