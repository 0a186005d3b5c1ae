import { arrow, defineTransform, withColumn, z } from 'nag-pipeline';

/** In place of a model: features of Qwen3-0.6B's shape that follow from a row's number, some neurons far more often. */
export const madeFeatures = defineTransform({
  name: 'made_features',
  summary: 'Make features up',
  options: z.strictObject({
    layers: z.int(),
    k: z.int(),
    width: z.int(),
    first: z.int().describe('Number of the first row'),
  }),
  example: '- {use: made_features, with: {layers: 28, k: 20, width: 3072, first: 0}}',
  needs: () => ({}),
  mayDrop: () => false,
  costly: () => true,
  facts: async (options) => ({ options }),
  async *run(input, { layers, k, width, first }) {
    const metadata = new Map(
      Object.entries({
        neurons: 'fwd_up',
        layers,
        k,
        width,
        model: 'made',
        tokenizer: 'made',
        max_length: 120,
      }).map(([key, value]) => [`nag.${key}`, String(value)]),
    );
    const size = layers * k;
    for await (const batch of input) {
      const values = new Uint16Array(batch.rows.length * size);
      for (const [at, row] of batch.rows.entries())
        fill(values, at * size, size, first + batch.bundle.firstRow + row, width);
      const child = arrow.makeData({ type: new arrow.Uint16(), data: values, nullCount: 0 });
      const type = new arrow.FixedSizeList(size, new arrow.Field('item', child.type, false));
      const data = arrow.makeData({ type, length: batch.rows.length, nullCount: 0, child });
      yield withColumn(batch, 'fwd_up_feature', data, { nullable: false, metadata });
    }
  },
});

function fill(values, at, size, row, width) {
  let state = (row + 1) * 2654435761;
  for (let i = at; i < at + size; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    const share = (state >>> 0) / 2 ** 32;
    values[i] = Math.floor(share * share * width);
  }
}
