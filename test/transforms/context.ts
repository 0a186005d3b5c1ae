import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StructRow, Vector } from 'apache-arrow';
import type { Test } from 'tap';
import type { z } from 'zod';
import { textReader } from '../../pipeline/arrow/text.js';
import type { Batch } from '../../pipeline/batch.js';
import type {
  Component,
  Context,
  OpenSource,
  ReadOptions,
  Source,
  Transform,
} from '../../pipeline/component.js';
import { rejecting, type Told } from '../fixtures/rejecting.js';

/** A context that remembers what it is told. */
export interface TestContext extends Context {
  readonly left: Map<string, number>;
  readonly figures: Map<string, number>;
  readonly notes: string[];
  readonly reports: string[];
}

/** What a stage sees of a run; what it rejects ends it, or goes to a list. Resources are closed when the test ends. */
export function testContext(t: Test, rejected?: Told[]): TestContext {
  const resources = new Map<string, Promise<{ close(): void | Promise<void> }>>();
  t.teardown(async () => {
    for (const resource of resources.values()) await (await resource).close();
  });
  // Made by whoever wants it.
  const cacheDir = join(tmpdir(), `nag-cache-${randomUUID()}`);
  t.teardown(() => rm(cacheDir, { recursive: true, force: true }));
  const [left, figures] = [new Map<string, number>(), new Map<string, number>()];
  const [notes, reports]: [string[], string[]] = [[], []];
  const add = (counts: Map<string, number>) => (name: string, amount: number) => {
    counts.set(name, (counts.get(name) ?? 0) + amount);
  };
  return {
    stage: 'stage',
    signal: new AbortController().signal,
    tempDir: tmpdir(),
    cacheDir,
    leftOut: add(left),
    reject: rejecting(rejected),
    tolerant: rejected !== undefined,
    count: add(figures),
    worked: () => undefined,
    doing: () => undefined,
    note: (text) => notes.push(text),
    report: (text) => reports.push(text),
    resource: <T extends { close(): void | Promise<void> }>(key: string, open: () => Promise<T>) => {
      const known = resources.get(key) ?? open();
      resources.set(key, known);
      // One key always stands for one type of resource.
      return known as Promise<T>;
    },
    provenance: new Map(),
    left,
    figures,
    notes,
    reports,
  };
}

/** Options with their defaults, as the configuration gives them. */
export function parsed(component: Component, options: Record<string, unknown>): z.output<z.ZodType> {
  return component.options.parse(options);
}

export async function openSource(
  source: Source,
  options: Record<string, unknown>,
  context: Context,
): Promise<OpenSource> {
  return await source.open(parsed(source, options), context, 0);
}

/** All batches of a source, as a run reads them. */
export async function readAll(
  source: OpenSource,
  needs: Parameters<OpenSource['read']>[1] = { columns: 'all' },
  how: ReadOptions = {},
): Promise<Batch[]> {
  const batches: Batch[] = [];
  for (const bundle of source.bundles)
    for await (const batch of source.read(bundle, needs, how)) batches.push(batch);
  return batches;
}

/** What a transform makes of batches. */
export async function transformed(
  stage: Transform,
  options: Record<string, unknown>,
  batches: readonly Batch[],
  context: Context,
  sides: Readonly<Record<string, unknown>> = {},
): Promise<Batch[]> {
  async function* input() {
    yield* batches;
  }
  const out: Batch[] = [];
  for await (const batch of stage.run(
    input(),
    parsed(stage, options),
    context,
    new Map(Object.entries(sides)),
  ))
    out.push(batch);
  return out;
}

/** A column's values of all batches as plain values: lists as arrays, structs as objects, bytes as arrays. */
export function values(batches: readonly Batch[], column: string): unknown[] {
  return batches.flatMap(({ columns }) => {
    const vector = columns.getChild(column);
    if (!vector) throw new Error(`no column ${column}`);
    const text = String(vector.type) === 'Utf8' ? textReader(vector) : undefined;
    return Array.from({ length: columns.numRows }, (_, row) => plain(text ? text(row) : vector.get(row)));
  });
}

export function names(batch: Batch): string[] {
  return batch.columns.schema.fields.map((field) => field.name);
}

function plain(value: unknown): unknown {
  if (value instanceof StructRow)
    return Object.fromEntries(Object.entries(value.toJSON()).map(([key, inner]) => [key, plain(inner)]));
  if (value instanceof Vector) return Array.from(value, plain);
  return ArrayBuffer.isView(value) ? [...(value as Uint8Array)] : value;
}
