import { Field, Float64, Int32, makeData, RecordBatch, Schema, Struct, type Vector } from 'apache-arrow';
import { type Batch, type Bundle, placeOf } from '../pipeline/batch.js';
import { schemaNote } from '../pipeline/columns-note.js';
import { DataError, NagError } from '../pipeline/errors.js';
import type { Deactivation } from './backbone/types.js';

/** Columns of rows that are one neuron each. */
export const neuronColumns = { layer: 'layer', neuron: 'neuron', score: 'score' } as const;

/** Neurons as rows: layer by layer, in their order within it. */
export interface NeuronRows {
  readonly layer: Int32Array;
  readonly neuron: Int32Array;
  /** What each was chosen by; without it there is no such column. */
  readonly score?: Float64Array | undefined;
}

/** @param metadata what is known of the neurons, kept with their column */
export function neuronBatch(
  { layer, neuron, score }: NeuronRows,
  file: string,
  ordinal = 0,
  metadata?: Map<string, string>,
): Batch {
  const fields = [
    new Field(neuronColumns.layer, new Int32(), false),
    new Field(neuronColumns.neuron, new Int32(), false, metadata),
    ...(score ? [new Field(neuronColumns.score, new Float64(), false)] : []),
  ];
  const children = [
    makeData({ type: new Int32(), data: layer }),
    makeData({ type: new Int32(), data: neuron }),
    ...(score ? [makeData({ type: new Float64(), data: score })] : []),
  ];
  const data = makeData({ type: new Struct(fields), length: layer.length, nullCount: 0, children });
  const bundle: Bundle = { ordinal, file, firstRow: 0, rows: layer.length, bytes: 0 };
  return {
    columns: new RecordBatch(new Schema(fields), data),
    bundle,
    rows: Uint32Array.from(layer.keys()),
    computed: new Set(fields.map(({ name }) => name)),
    removed: new Set(),
    roles: {},
  };
}

/** Neurons that rows name, in the rows' order, and what is known of them. */
export interface CollectedNeurons {
  readonly keys: Deactivation;
  readonly rows: number;
}

/**
 * Collects rows of neurons by layer. All layers that the rows' model has are there, if empty.
 * @throws DataError for a row that is none; NagError for neurons that are not `up_proj`'s, the only ones that can be
 * deactivated
 */
export async function collectNeurons(input: AsyncIterable<Batch>): Promise<CollectedNeurons> {
  const keys = new Map<number, Set<number>>();
  let rows = 0;
  for await (const batch of input) {
    const [layers, neurons] = [column(batch, 'layer'), column(batch, 'neuron')];
    addLayers(keys, batch);
    for (let row = 0; row < batch.rows.length; row++) {
      const layer = indexAt(batch, layers, row, 'layer');
      const neuron = indexAt(batch, neurons, row, 'neuron');
      const known = keys.get(layer) ?? new Set();
      if (known.has(neuron))
        throw new DataError(placeOf(batch, row), `layer ${layer}: neuron ${neuron} came in before`);
      keys.set(layer, known.add(neuron));
    }
    rows += batch.rows.length;
  }
  return { keys: Object.fromEntries([...keys].map(([layer, neurons]) => [layer, [...neurons]])), rows };
}

function addLayers(keys: Map<number, Set<number>>, { columns }: Batch): void {
  const field = columns.schema.fields.find(({ name }) => name === neuronColumns.neuron);
  const type = field?.metadata.get('nag.neurons') ?? 'fwd_up';
  if (type !== 'fwd_up')
    throw new NagError(
      `only neurons of fwd_up can be deactivated, these are of ${type}; set feature: fwd_up`,
    );
  const layers = Number(field?.metadata.get('nag.layers') ?? 0);
  for (let layer = 0; layer < layers; layer++) if (!keys.has(layer)) keys.set(layer, new Set());
}

function column({ columns, bundle }: Batch, name: keyof typeof neuronColumns): Vector {
  const found = columns.getChild(neuronColumns[name]);
  if (found) return found;
  throw new DataError(
    { file: bundle.file },
    `there is no column "${name}": expected rows of neurons, as the stage neurons makes them${schemaNote(columns.schema)}`,
  );
}

function indexAt(batch: Batch, vector: Vector, row: number, name: string): number {
  const value: unknown = vector.get(row);
  const index = typeof value === 'bigint' ? Number(value) : value;
  if (typeof index === 'number' && Number.isSafeInteger(index) && index >= 0) return index;
  throw new DataError(
    placeOf(batch, row, name),
    `expected a whole number of at least 0, found ${String(value)}`,
  );
}
