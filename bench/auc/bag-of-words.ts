/**
 * Distances of documents to a target by their words: 1 − cosine between a document's TF-IDF vector and the mean of the
 * target's. Words are runs of two or more letters, digits or underscores, in lower case; a word weighs
 * `count · (ln((1 + n) / (1 + df)) + 1)`, with n and df over target and documents; vectors have length 1 (the defaults
 * of scikit-learn's TfidfVectorizer).
 */
export function wordDistances(documents: readonly string[], target: readonly string[]): number[] {
  const counts = [...documents, ...target].map(countWords);
  const idf = inverseFrequencies(counts);
  const vectors = counts.map((words) => unit(new Map([...words].map(([w, n]) => [w, n * idf.get(w)!]))));
  const mean = new Map<string, number>();
  for (const vector of vectors.slice(documents.length))
    for (const [word, weight] of vector) mean.set(word, (mean.get(word) ?? 0) + weight);
  const centre = unit(mean);
  return vectors.slice(0, documents.length).map((vector) => 1 - dot(vector, centre));
}

type Vector = ReadonlyMap<string, number>;

function countWords(text: string): Vector {
  const counts = new Map<string, number>();
  for (const [word] of text.toLowerCase().matchAll(/[\p{L}\p{N}_]{2,}/gu))
    counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}

function inverseFrequencies(documents: readonly Vector[]): Vector {
  const df = new Map<string, number>();
  for (const words of documents) for (const word of words.keys()) df.set(word, (df.get(word) ?? 0) + 1);
  return new Map([...df].map(([word, n]) => [word, Math.log((1 + documents.length) / (1 + n)) + 1]));
}

function unit(vector: Vector): Vector {
  const length = Math.sqrt(dot(vector, vector)) || 1;
  return new Map([...vector].map(([word, weight]) => [word, weight / length]));
}

function dot(a: Vector, b: Vector): number {
  let sum = 0;
  for (const [word, weight] of a) sum += weight * (b.get(word) ?? 0);
  return sum;
}
