import { z } from 'zod';
import type { ConfigPaths } from './paths.js';
import type { Path } from './problems.js';

const bytes = { B: 1, K: 1e3, KB: 1e3, M: 1e6, MB: 1e6, G: 1e9, GB: 1e9, T: 1e12, TB: 1e12 };
const binary = { KIB: 2 ** 10, MIB: 2 ** 20, GIB: 2 ** 30, TIB: 2 ** 40 };

/** `500MB`, `1.5 GB`, `8GiB`, or a number of bytes, at least a million: smaller ones lack their unit. */
const size = quantity('a size such as 500MB or 8GB', { ...bytes, ...binary }, 1e6);

/** `90s`, `10 min`, `8h`, or a number of seconds; in seconds. */
const duration = quantity('a time such as 90s, 10min or 8h', { S: 1, MIN: 60, M: 60, H: 3600, D: 86_400 });

/** `127.0.0.1:9464`, `[::1]:9464`, or `:9464` for all addresses of the machine. */
const address = z.string().transform((given, context): Address => {
  const [, host, port] = /^\[?([^[\]]*)\]?:(\d{1,5})$/.exec(given.trim()) ?? [];
  if (host !== undefined && Number(port) < 65_536) return { host: host || undefined, port: Number(port) };
  const message = `expected host:port or :port, such as 127.0.0.1:9464, found ${JSON.stringify(given)}`;
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
});

const onError = z.strictObject({
  policy: z.enum(['fail', 'skip', 'quarantine']),
  max_ratio: z.number().min(0).max(1).default(1),
  path: z.string().min(1).optional(),
});

/** What a configuration says of runs nobody watches, beside its stages. */
export const settingsShape = {
  state_dir: z.string().min(1).optional(),
  manifest: z.string().min(1).optional(),
  if_running: z.enum(['fail', 'wait', 'skip']).default('fail'),
  if_changed: z.enum(['redo', 'refuse']).default('redo'),
  on_error: z.union([z.enum(['fail', 'skip', 'quarantine']), onError]).default('fail'),
  retries: z
    .strictObject({ attempts: z.int().min(0).default(3), wait: duration.default(10) })
    .default({ attempts: 3, wait: 10 }),
  limits: z
    .strictObject({ memory: size.optional(), disk: size.optional(), time: duration.optional() })
    .default({}),
  keep: z
    .strictObject({
      outputs: z.int().min(1).optional(),
      runs: z.int().min(1).default(400),
      work: duration.optional(),
    })
    .default({ runs: 400 }),
  hooks: z
    .strictObject({ success: z.string().min(1).optional(), failure: z.string().min(1).optional() })
    .default({}),
  metrics: z.strictObject({ textfile: z.string().min(1).optional(), listen: address.optional() }).default({}),
} as const;

type Shape = z.output<z.ZodObject<typeof settingsShape>>;

/** How a run is to behave; paths are absolute. */
export interface Settings {
  /** Where finished work, the lock and the records of runs are kept; undefined: nothing outlasts the run. */
  readonly stateDir: string | undefined;
  /** Where the manifest of the outputs is written besides the state folder. */
  readonly manifest: string | undefined;
  readonly ifRunning: 'fail' | 'wait' | 'skip';
  /** What becomes of kept work when input, model or options are others than those of the last run. */
  readonly ifChanged: 'redo' | 'refuse';
  readonly onError: {
    readonly policy: 'fail' | 'skip' | 'quarantine';
    /** Most rejected rows, as a share of the rows read; likewise of files. */
    readonly maxRatio: number;
    /** The quarantine file; undefined: in the state folder. */
    readonly path: string | undefined;
  };
  /** Of what may pass: `attempts` more, the first after `wait` seconds, each later one after twice as long. */
  readonly retries: { readonly attempts: number; readonly wait: number };
  /** Bytes, bytes, seconds. */
  readonly limits: {
    readonly memory: number | undefined;
    readonly disk: number | undefined;
    readonly time: number | undefined;
  };
  /** Complete runs whose outputs stay; runs that are remembered; seconds that finished work stays which no run uses. */
  readonly keep: {
    readonly outputs: number | undefined;
    readonly runs: number;
    readonly work: number | undefined;
  };
  /** Shell commands. */
  readonly hooks: { readonly success: string | undefined; readonly failure: string | undefined };
  /** A file for node_exporter's textfile collector; an address for Prometheus to ask. */
  readonly metrics: { readonly textfile: string | undefined; readonly listen: Address | undefined };
}

/** Where a server listens: without a host at all addresses of the machine; port 0 is a free one. */
export interface Address {
  readonly host: string | undefined;
  readonly port: number;
}

export function settingsOf(shape: Shape, paths: ConfigPaths): Settings {
  const path = (given: string | undefined, ...at: Path) =>
    given === undefined ? undefined : paths.resolve(given, at);
  const { on_error: given, limits, keep, hooks, metrics } = shape;
  const error = typeof given === 'string' ? { policy: given, max_ratio: 1, path: undefined } : given;
  return {
    stateDir: path(shape.state_dir, 'state_dir'),
    manifest: path(shape.manifest, 'manifest'),
    ifRunning: shape.if_running,
    ifChanged: shape.if_changed,
    onError: { policy: error.policy, maxRatio: error.max_ratio, path: path(error.path, 'on_error', 'path') },
    retries: shape.retries,
    limits: { memory: limits.memory, disk: limits.disk, time: limits.time },
    keep: { outputs: keep.outputs, runs: keep.runs, work: keep.work },
    hooks: { success: hooks.success, failure: hooks.failure },
    metrics: { textfile: path(metrics.textfile, 'metrics', 'textfile'), listen: metrics.listen },
  };
}

/** Keys that say nothing without a state folder. */
const needState = ['manifest', 'if_running', 'if_changed', 'retries', 'keep'] as const;

/** The first such key of a document that has no state folder. */
export function settingWithoutState(document: Readonly<Record<string, unknown>>): string | undefined {
  if (document['state_dir'] !== undefined) return undefined;
  return needState.find((key) => document[key] !== undefined);
}

/** A number with a unit, in the unit that has 1. @param least of numbers without a unit */
function quantity(what: string, units: Readonly<Record<string, number>>, least = 0) {
  const shape = new RegExp(`^(\\d+(?:\\.\\d+)?)\\s*(${Object.keys(units).join('|')})$`, 'i');
  return z.union([z.number(), z.string()]).transform((given, context) => {
    const [, number, unit] = shape.exec(String(given).trim()) ?? [];
    const value =
      typeof given === 'number' ? given : Number(number) * (units[(unit ?? '').toUpperCase()] ?? NaN);
    if (value > 0 && Number.isFinite(value) && (unit !== undefined || value >= least)) return value;
    const why =
      value < least && value > 0
        ? `: a number without a unit is in bytes, write ${given}GB or ${given}MB`
        : '';
    context.addIssue({ code: 'custom', message: `expected ${what}, found ${JSON.stringify(given)}${why}` });
    return z.NEVER;
  });
}
