import { z } from 'zod';
import type { RunRecord } from './record.js';

const texts = z.array(z.string());
const rows = z.record(z.string(), z.number());

/** A record as it is read back. What is not known here stays in it. */
export const recordShape: z.ZodType<RunRecord> = z.looseObject({
  format: z.literal(1),
  id: z.string(),
  name: z.string(),
  version: z.string(),
  config: z.looseObject({
    file: z.string(),
    hash: z.string(),
    params: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
  }),
  status: z.enum(['running', 'complete', 'failed', 'stopped']),
  exitCode: z.number().nullable(),
  error: z.string().nullable(),
  process: z.looseObject({ pid: z.number(), host: z.string() }),
  startedAt: z.iso.datetime(),
  endedAt: z.iso.datetime().nullable(),
  seconds: z.number(),
  attempts: z.number(),
  inputs: z.record(
    z.string(),
    z.looseObject({
      files: z.number(),
      bytes: z.number(),
      rows: z.number().nullable(),
      fingerprint: z.string().nullable(),
      new: texts,
      gone: texts,
      changed: texts,
      counts: z.looseObject({ new: z.number(), gone: z.number(), changed: z.number() }),
    }),
  ),
  provenance: z.record(z.string(), z.string()),
  stages: z.array(
    z.looseObject({
      id: z.string(),
      label: z.string(),
      kind: z.enum(['source', 'transform', 'combine', 'sink']),
      rowsIn: z.number(),
      rowsOut: z.number(),
      leftOut: rows,
      rejected: z.number(),
      rejectedFor: rows,
      figures: rows,
      seconds: z.number(),
      busySeconds: z.number().optional(),
    }),
  ),
  peakMemoryBytes: z.number(),
  outputs: z.array(
    z.looseObject({
      stage: z.string(),
      path: z.string(),
      rows: z.number(),
      files: z.array(z.looseObject({ path: z.string(), bytes: z.number(), sha256: z.string() })),
    }),
  ),
  manifest: z.string().nullable(),
  quarantine: z.string().nullable(),
  notes: texts,
  reports: texts,
});
