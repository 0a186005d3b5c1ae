import type { Bars } from './chart.js';
import type { Material } from './material.js';

/** One measured number. */
export interface Figure {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** What it is to reach. */
  readonly aim?: Aim;
  /** What was expected before it was measured, and from what. */
  readonly predicted?: string;
  /** What keeps it from being better; for a missed aim also what would reach it. */
  readonly limit?: string;
}

export interface Aim {
  readonly kind: 'at least' | 'at most';
  readonly value: number;
}

/** What a part of the benchmark found. */
export interface Result {
  readonly part: string;
  readonly title: string;
  /** How it was measured, and on what: Markdown. */
  readonly how: string;
  readonly figures: readonly Figure[];
  readonly charts?: readonly Bars[];
  /** What was left out, and why: a library that is not installed. */
  readonly leftOut?: readonly string[];
}

/** Measures one thing, side by side with what it is compared with. */
export type Part = (settings: Settings) => Promise<Result>;

export interface Settings {
  /** A folder of the part's own, removed afterwards. */
  readonly folder: string;
  readonly material: Material;
  /** Fewer rounds over less data: to see that the benchmark works. */
  readonly quick: boolean;
  say(text: string): void;
}

export const atLeast = (value: number): Aim => ({ kind: 'at least', value });
export const atMost = (value: number): Aim => ({ kind: 'at most', value });

/** Whether a figure reaches its aim; undefined where it has none. */
export function reaches({ value, aim }: Figure): boolean | undefined {
  if (!aim) return undefined;
  return aim.kind === 'at least' ? value >= aim.value : value <= aim.value;
}
