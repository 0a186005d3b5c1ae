import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectRoot, realData } from '../../test/fixtures/paths.js';
import { writeTokenizer } from '../../test/fixtures/tokenizer.js';
import { writeRandomCheckpoint } from '../random-checkpoint.js';

/** Texts and a tokenizer that the measurements share, and a checkpoint that is made when it is first asked for. */
export interface Material {
  /** Said in the report. */
  readonly description: string;
  /** Folder of a tokenizer.json. */
  readonly tokenizer: string;
  /** Texts of documents, real where there are any, in the order of their files. */
  texts(): Promise<string[]>;
  /** Folder of a checkpoint of random weights in the true shape of Qwen3-0.6B, with the tokenizer. */
  checkpoint(): Promise<string>;
}

/** Real documents lie beside the project, not in it; without them those of the demo are repeated. */
export async function openMaterial(
  root: string,
  given: { readonly documents?: string | undefined; readonly tokenizer?: string | undefined },
): Promise<Material> {
  const documents =
    given.documents ?? (existsSync(realData) ? join(realData, 'pool') : join(projectRoot, 'configs/demo'));
  const real = join(realData, 'tokenizers/qwen3');
  const tokenizer = given.tokenizer ?? (existsSync(real) ? real : join(root, 'tokenizer'));
  if (!existsSync(tokenizer)) await writeTokenizer(tokenizer);
  let checkpoint: Promise<string> | undefined;
  return {
    description: `documents: ${nameOf(documents)}; tokenizer: ${nameOf(tokenizer)}`,
    tokenizer,
    texts: () => textsOf(documents),
    checkpoint: () => (checkpoint ??= makeCheckpoint(join(root, 'checkpoint'), tokenizer)),
  };
}

const nameOf = (path: string) => path.split('/').slice(-2).join('/');

async function makeCheckpoint(folder: string, tokenizer: string): Promise<string> {
  await writeRandomCheckpoint(folder, tokenizer);
  return folder;
}

async function textsOf(path: string): Promise<string[]> {
  const files = path.endsWith('.jsonl')
    ? [path]
    : (await readdir(path)).filter((name) => name.endsWith('.jsonl')).sort();
  const texts: string[] = [];
  for (const file of files) {
    const lines = (await readFile(path === file ? file : join(path, file), 'utf8')).split('\n');
    for (const line of lines.filter((text) => text.trim() !== '')) {
      const { text, doc } = JSON.parse(line) as { text?: string; doc?: string };
      const found = text ?? doc ?? '';
      if (found.trim() !== '') texts.push(found);
    }
  }
  return texts;
}
