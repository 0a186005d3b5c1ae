import type { Random } from '../random.js';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** A JSON value in which one place is other than it was: what is wrong is the meaning, not the syntax. */
export function mutateJson(value: unknown, numbers: Random): unknown {
  const copy: Json = JSON.parse(JSON.stringify(value));
  for (let times = 1 + numbers.below(2); times > 0; times--) {
    const places = placesOf(copy);
    if (places.length === 0) return copy;
    // Few places lie near the root, and they matter most.
    const depth = 1 + numbers.below(Math.max(...places.map((place) => place.depth)));
    const near = places.filter((place) => place.depth <= depth);
    change(numbers.pick(near), numbers);
  }
  return copy;
}

interface Place {
  readonly parent: Json[] | { [key: string]: Json };
  readonly key: string;
  readonly depth: number;
}

/** At most some thousand: a vocabulary has many that are alike. */
function placesOf(value: Json, depth = 1): Place[] {
  if (value === null || typeof value !== 'object') return [];
  const keys = Object.keys(value);
  const step = Math.ceil(keys.length / 60);
  return keys
    .filter((_, at) => at % step === 0)
    .flatMap((key) => [
      { parent: value, key, depth },
      ...placesOf(Array.isArray(value) ? value[Number(key)]! : value[key]!, depth + 1),
    ]);
}

function change({ parent, key }: Place, numbers: Random): void {
  const entries = parent as { [key: string]: Json };
  const old = entries[key]!;
  const keys = Object.keys(entries);
  const other = numbers.pick(keys);
  switch (numbers.below(6)) {
    case 0:
      if (Array.isArray(parent)) parent.splice(Number(key), 1);
      else delete parent[key];
      return;
    case 1:
      [entries[key], entries[other]] = [entries[other]!, old];
      return;
    case 2:
      if (Array.isArray(parent)) parent.push(old);
      else parent[`${key}${numbers.pick(['_', ' ', '2', '\u0000', 'é'])}`] = old;
      return;
    case 3:
      entries[key] = nested(old, numbers.pick([1, 3, 200]));
      return;
    default:
      entries[key] = near(old, numbers);
  }
}

function near(old: Json, numbers: Random): Json {
  if (typeof old === 'number' && numbers.below(2) === 0)
    return numbers.pick([old + 1, old - 1, -old, old * 2, old + 0.5, old * 1e6, 2 ** 31, 2 ** 53, 1e308, 0]);
  if (typeof old === 'string' && numbers.below(2) === 0)
    return numbers.pick([
      `${old}x`,
      old.slice(1),
      old.toUpperCase(),
      `../${old}`,
      old.repeat(50),
      `${old}\u0000`,
    ]);
  return numbers.pick<Json>([
    null,
    true,
    false,
    0,
    -1,
    1.5,
    1e300,
    '',
    'x',
    '\ud800',
    [],
    [[]],
    {},
    { type: 'x' },
    ['a', 1],
    '(((((((((((a*)*)*)*)*',
    '(?:a+)+$',
    '[',
  ]);
}

function nested(value: Json, depth: number): Json {
  let result = value;
  for (let i = 0; i < depth; i++) result = [result];
  return result;
}
