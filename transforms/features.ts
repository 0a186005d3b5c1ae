import { z } from 'zod';
import { defineTransform, path } from '../pipeline/component.js';
import { openBundleStore } from '../pipeline/store/bundle-store.js';

const options = z.strictObject({
  dir: path({ role: 'keeps' }).describe(
    'A folder for the features; made where it is missing, safe to delete',
  ),
});

/**
 * Transform: a store of features. What it has of a file skips the stages before it, whatever the target: a pool is
 * extracted once. Features are found by the content of the file and by all that they depend on: weights, tokenizer,
 * options.
 */
export const features = defineTransform({
  name: 'features',
  summary: 'Keep extracted features in a folder; what is there already is not extracted again',
  options,
  example: `
    - {use: read.jsonl, with: {path: "docs/*.jsonl"}}
    - {use: tokenize, with: {model: models/Qwen3-0.6B-Base}}
    - {use: extract, with: {model: models/Qwen3-0.6B-Base}}
    - {use: top_k, with: {k: 20}}
    - {use: features, with: {dir: .nag/features}}
    - {use: write.parquet, with: {path: out/features.parquet}}`,
  chain: 'through',
  preview: (input) => input,
  needs: () => ({ optionalRoles: ['docid'] }),
  mayDrop: () => false,
  store: ({ dir }, making, context) => openBundleStore(dir, making, context),
  run: (input) => input,
});
