import { bounded } from './bounded.js';
import { extraction } from './extraction.js';
import { memory } from './memory.js';
import { padding } from './padding.js';
import type { Part } from './part.js';
import { precision } from './precision.js';
import { products } from './products.js';
import { ranking } from './ranking.js';
import { scoring } from './scoring.js';
import { startup } from './startup.js';
import { tokenizing } from './tokenizing.js';

/** All parts, in the order in which they run and are told. */
export const parts: ReadonlyMap<string, Part> = new Map(
  Object.entries({
    extraction,
    products,
    padding,
    precision,
    tokenizing,
    scoring,
    ranking,
    bounded,
    memory,
    startup,
  }),
);
