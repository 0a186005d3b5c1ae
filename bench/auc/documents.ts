import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A document whose category is known. */
export interface Labelled {
  readonly docid: string;
  readonly category: string;
  readonly doc: string;
}

/** Real documents keep so many characters, about what the model reads: so every method sees the same. */
const mostCharacters = 500;
/** nag-mini saw every line of its corpora but those whose index is a multiple of this. */
const heldOutEvery = 20;
const scienceGroups = ['sci.space', 'sci.med', 'sci.electronics'];
/** DBpedia's companies, schools, artists, athletes and office holders: nothing of nature among them. */
const people = ['0', '1', '2', '3', '4'];

/** The suite's own pool of a folder in configs/, such as `quickstart`. */
export async function ownDocuments(configs: string, name: string): Promise<Labelled[]> {
  const rows = await readJsonl(join(configs, name, 'pool.jsonl'));
  return rows.map(({ docid, category, doc }) => ({
    docid: `${name}/${String(docid)}`,
    category: String(category),
    doc: String(doc),
  }));
}

/** A hundred real documents that nag-mini has not seen, evenly spread over what its corpora held out. */
export async function realDocuments(pool: string): Promise<Labelled[]> {
  const posts = await heldOut(join(pool, '20newsgroups.jsonl'), postBody);
  const encyclopedia = await heldOut(join(pool, 'dbpedia14_14k.jsonl'), detokenized);
  const label = (row: Row) => String(row['label']);
  return [
    ...spread(
      posts.filter((row) => scienceGroups.includes(label(row))),
      25,
      'science',
    ),
    ...spread(
      posts.filter((row) => !label(row).startsWith('sci.')),
      25,
      'posts',
    ),
    ...spread(
      encyclopedia.filter((row) => people.includes(label(row))),
      15,
      'encyclopedia',
    ),
    ...spread(await heldOut(join(pool, 'movie_reviews_2k.jsonl'), detokenized), 15, 'reviews'),
    ...spread(await heldOut(join(pool, 'thealgorithms_python.jsonl'), String), 20, 'code'),
  ];
}

type Row = Readonly<Record<string, unknown>>;

export async function readJsonl(file: string): Promise<Row[]> {
  const lines = (await readFile(file, 'utf8')).split('\n').filter(Boolean);
  return lines.map((line) => JSON.parse(line) as Row);
}

/** Cleaned as for training, without what is too short then. */
async function heldOut(file: string, clean: (text: string) => string): Promise<Row[]> {
  const rows = (await readJsonl(file)).filter((_, i) => i % heldOutEvery === 0);
  return rows
    .map((row) => ({ ...row, text: clean(String(row['text'])) }))
    .filter(({ text }) => text.length >= 80);
}

function spread(rows: readonly Row[], count: number, category: string): Labelled[] {
  if (rows.length < count) throw new Error(`${category}: expected ${count} documents, found ${rows.length}`);
  return Array.from({ length: count }, (_, i) => {
    const { id, text } = rows[Math.floor((i * rows.length) / count)]!;
    return { docid: String(id), category, doc: String(text).slice(0, mostCharacters) };
  });
}

/** As in train.py: undoes the word-by-word spacing of corpora that were published tokenized. */
function detokenized(text: string): string {
  return text
    .replaceAll('\t', ' ')
    .replace(/ +([.,;:!?)\]%]|'s\b|n't\b)/g, '$1')
    .replace(/([([]) +/g, '$1');
}

/** As in train.py: a post without header, quotation, signature, address or telephone number. */
function postBody(text: string): string {
  const body = text.slice(text.indexOf('\n\n') + 2).split(/\n--+ *\n/)[0]!;
  return body
    .split('\n')
    .filter((line) => !/^\s*([>|:]|\S{0,4}>)|@|\b\d{3}[-. ]\d{4}\b|\bwrites?:\s*$|^In article/.test(line))
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
}
