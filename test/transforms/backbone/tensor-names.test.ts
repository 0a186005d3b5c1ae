import t from 'tap';
import { nameTensors } from '../../../transforms/backbone/tensor-names.js';

const [embedding, head, norm] = ['model.embed_tokens.weight', 'lm_head.weight', 'model.norm.weight'];

/** Tensors whose dtype says under which name each is stored. */
function named(names: readonly string[], tied: boolean, aliases: Record<string, string> = {}) {
  const tensors = names.map(
    (name) => [name, { dtype: name, shape: [], offset: 0, bytes: 0, file: '' }] as const,
  );
  const result = nameTensors(
    { source: '', found: new Map(tensors), aliases: new Map(Object.entries(aliases)) },
    tied,
  );
  const found = [...result.found].map(([name, { dtype }]) => [name, dtype]);
  return { ...result, found: Object.fromEntries(found) };
}

t.test('each tensor once under its name', async (t) => {
  const expected = { [embedding]: embedding, [head]: head };
  t.strictSame(named([embedding, head], true), { found: expected, ownHead: true, wrongPrefix: undefined });
  t.strictSame(named([embedding], true), {
    found: { [embedding]: embedding },
    ownHead: false,
    wrongPrefix: undefined,
  });
});

t.test('a tied head stands for the embedding, also without metadata; another one does not', async (t) => {
  const both = { [head]: head, [embedding]: head };
  t.strictSame(named([head], true).found, both);
  t.strictSame(named([head], false).found, { [head]: head });
  t.strictSame(named([head], false, { [embedding]: head, format: 'pt', [norm]: 'gone' }).found, both);
});

t.test('metadata never replace what is stored, and name any tensor', async (t) => {
  const [first, second] = ['model.layers.0.mlp.up_proj.weight', 'model.layers.1.mlp.up_proj.weight'];
  t.strictSame(named([embedding, first], true, { [second]: first, [embedding]: first }).found, {
    [embedding]: embedding,
    [first]: first,
    [second]: first,
  });
});

t.test('a bare body, with a head too', async (t) => {
  t.strictSame(named(['embed_tokens.weight', 'norm.weight', head], false).found, {
    [embedding]: 'embed_tokens.weight',
    [norm]: 'norm.weight',
    [head]: head,
  });
});

t.test('names of a wrapped model are told of', async (t) => {
  const prefixes = ['language_model.', 'module.', 'base_model.model.', '_orig_mod.'];
  t.strictSame(
    prefixes.map((prefix) => named([`${prefix}${norm}`, prefix + embedding], true).wrongPrefix),
    prefixes,
  );
});
