import { z } from 'zod';
import { keepRows } from '../pipeline/batch.js';
import { defineTransform } from '../pipeline/component.js';
import { compileWhere, whereOption } from './reading/where.js';

const options = z.strictObject({
  where: whereOption.refine((where) => Object.keys(where).length > 0, {
    message: 'name at least one column, as in where: {nag_distance: {max: 0.5}}',
  }),
});

/** Transform: keeps the rows that meet conditions on any columns, computed ones too; the others are counted. */
export const filter = defineTransform({
  name: 'filter',
  summary: 'Keep the rows whose columns have these values, or lie in these ranges',
  options,
  example: `
    - {use: read.jsonl, with: {path: out/scored.jsonl}}
    - {use: filter, with: {where: {nag_distance: {max: 0.5}, lang: [en, de], category: {not: news}}}}
    - {use: write.jsonl, with: {path: out/near.jsonl}}`,
  chain: 'through',
  preview: (input, { where }) => {
    for (const { columns, bundle, roles } of input) compileWhere(where, columns.schema, bundle.file, roles);
    return input;
  },
  needs: ({ where }) => ({ columns: Object.keys(where) }),
  async *run(input, { where }, context) {
    for await (const batch of input) {
      const { columns, bundle, roles } = batch;
      const filter = compileWhere(where, columns.schema, bundle.file, roles)!;
      const kept = keepRows(batch, filter.select(columns));
      const leftOut = batch.rows.length - kept.rows.length;
      if (leftOut > 0) context.leftOut('where', leftOut);
      yield kept;
    }
  },
});
