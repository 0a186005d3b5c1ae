import { z } from 'zod';

const component = z.looseObject({ type: z.string() });

const addedToken = z.looseObject({
  id: z.int().nonnegative(),
  content: z.string(),
  lstrip: z.boolean().default(false),
  rstrip: z.boolean().default(false),
});

const merge = z.union([z.string(), z.tuple([z.string(), z.string()])]);

const model = z
  .looseObject({
    type: z.string().optional(),
    vocab: z.union([z.record(z.string(), z.int().nonnegative()), z.array(z.unknown())]),
    merges: z.array(merge).optional(),
    dropout: z.number().nullish(),
    continuing_subword_prefix: z.string().nullish(),
  })
  .superRefine(({ merges = [], continuing_subword_prefix: prefix }, context) => {
    // The native library takes the prefix off without looking, and ends the process.
    const wrong = prefix ? merges.find((own) => !secondOf(own).startsWith(prefix)) : undefined;
    if (wrong !== undefined)
      context.addIssue({
        code: 'custom',
        path: ['merges'],
        message: `"${secondOf(wrong)}" does not start with continuing_subword_prefix "${prefix}"`,
      });
  });

function secondOf(pair: z.infer<typeof merge>): string {
  return typeof pair === 'string' ? pair.slice(pair.indexOf(' ') + 1) : pair[1];
}

const schema = z.looseObject({
  added_tokens: z.array(addedToken).default([]),
  normalizer: component.nullish(),
  pre_tokenizer: component.nullish(),
  model,
});

/** What is read from a Hugging Face tokenizer.json here; the rest is the native library's business. */
export type TokenizerJson = z.infer<typeof schema>;

/** @throws Error that names the first key that is not as expected */
export function parseTokenizerJson(value: unknown): TokenizerJson {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new Error(`${issue?.path.join('.') || 'the file'}: ${issue?.message ?? 'not as expected'}`);
}

/** The largest token id and one: added tokens may lie behind the model's vocabulary, and leave gaps. */
export function vocabularySize(json: TokenizerJson): number {
  let size = Array.isArray(json.model.vocab) ? json.model.vocab.length : 0;
  if (!Array.isArray(json.model.vocab))
    for (const id of Object.values(json.model.vocab)) size = Math.max(size, id + 1);
  for (const { id } of json.added_tokens) size = Math.max(size, id + 1);
  return size;
}
