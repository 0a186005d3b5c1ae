import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Tokenizer } from 'tokenizers';
import { slicingOf } from '../../../transforms/tokenizer/slicing.js';
import { DocumentTokenizer } from '../../../transforms/tokenizer/tokenizer.js';
import { parseTokenizerJson } from '../../../transforms/tokenizer/tokenizer-json.js';
import { allSame } from '../../fixtures/all-same.js';
import { needsRealData, realData } from '../../fixtures/paths.js';
import { texts, wholeIds } from './small-tokenizers.js';

for (const folder of [
  'tokenizers/qwen3',
  'tokenizers/llama3_2',
  'tokenizers/gpt2',
  'models/tinyllama-260k',
]) {
  t.test(`first and count are those of the whole text: ${folder}`, needsRealData, async (t) => {
    const path = join(realData, folder);
    const native = Tokenizer.fromFile(join(path, 'tokenizer.json'));
    const tokenizer = await DocumentTokenizer.open(path);
    t.ok(slicingOf(parseTokenizerJson(JSON.parse(readFileSync(tokenizer.file, 'utf8')))), 'can be cut');
    const documents = pool();
    const all = [...documents, ...texts(20, 200), documents.join('\n\n')];
    await allSame(t, 'ids and counts', async (same) => {
      for (const [i, text] of all.entries()) {
        const whole = await wholeIds(native, text);
        const name = () => `text ${i}, ${JSON.stringify(text.slice(0, 40))}`;
        same([...(await tokenizer.first(text, 120))], whole.slice(0, 120), name);
        same(await tokenizer.count(text), whole.length, () => `${name()}: the count`);
      }
    });
  });
}

function pool(): string[] {
  const lines = ['20newsgroups', 'gutenberg_half', 'thealgorithms_python'].flatMap((name) => {
    const all = readFileSync(join(realData, 'pool', `${name}.jsonl`), 'utf8')
      .trimEnd()
      .split('\n');
    return all.filter((_, i) => i % Math.ceil(all.length / 20) === 0);
  });
  return lines.map((line) => String((JSON.parse(line) as { text: unknown }).text));
}
