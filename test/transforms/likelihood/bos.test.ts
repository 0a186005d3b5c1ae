import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { bosId } from '../../../transforms/likelihood/bos.js';
import { DocumentTokenizer } from '../../../transforms/tokenizer/tokenizer.js';
import { readGolden } from '../../fixtures/golden.js';
import { writeTokenizer } from '../../fixtures/tokenizer.js';

type Files = Readonly<Record<string, object>>;

/** What `bos: true`, or another, gives in a folder with these files; its message where it fails. */
async function bosOf(
  t: Test,
  files: Files,
  bos: boolean | string = true,
): Promise<number | string | undefined> {
  const folder = join(t.testdir(), 'model');
  await mkdir(folder);
  await writeTokenizer(folder, { style: 'llama2' });
  for (const [name, content] of Object.entries(files))
    await writeFile(join(folder, `${name}.json`), JSON.stringify(content));
  const tokenizer = await DocumentTokenizer.open(folder);
  try {
    return await bosId({ bos, model: folder, tokenizerFolder: folder, tokenizer });
  } catch (error) {
    return (error as Error).message.replaceAll(folder, 'DIR');
  } finally {
    tokenizer.close();
  }
}

t.test("the tokenizer's, as in transformers; config.json's where it has none", async (t) => {
  const cases = readGolden<Record<string, Files>>('likelihood', 'bos-cases');
  const { ids } = readGolden<{ ids: Record<string, number | null> }>('likelihood', 'bos');
  const found: Record<string, unknown> = {};
  for (const [name, files] of Object.entries(cases))
    found[name] = await bosOf(t, { config: { bos_token_id: 99 }, ...files });
  t.strictSame(found, Object.fromEntries(Object.entries(ids).map(([name, id]) => [name, id ?? 99])));
});

t.test('none anywhere, one that the vocabulary lacks, and one by name', async (t) => {
  t.match(
    await bosOf(t, { config: { bos_token_id: null } }),
    /^DIR\/config\.json: "bos_token_id": expected a token id, as the tokenizer names no BOS, found null; leave bos out/,
  );
  t.equal(
    await bosOf(t, { tokenizer_config: { bos_token: '<nowhere>' } }),
    'DIR/tokenizer_config.json: bos: there is no token "<nowhere>"',
  );
  t.equal(await bosOf(t, { tokenizer_config: { bos_token: '<s>' } }, '</s>'), 2);
  t.equal(await bosOf(t, {}, false), undefined);
});
