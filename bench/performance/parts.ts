import { bounded } from './bounded.js';
import { extraction } from './extraction.js';
import { memory } from './memory.js';
import { padding } from './padding.js';
import type { Part } from './part.js';
import { products } from './products.js';
import { ranking } from './ranking.js';
import { startup } from './startup.js';
import { tokenizing } from './tokenizing.js';

/** All parts, in the order in which they run and are told. */
export const parts: ReadonlyMap<string, Part> = new Map(
  Object.entries({ extraction, products, padding, tokenizing, ranking, bounded, memory, startup }),
);
