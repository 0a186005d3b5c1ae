import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { performance } from 'node:perf_hooks';
import { type Injection, injectionVariable, pointName } from './injection.js';

/**
 * Preloaded into the program (`node --import …/inject.js`): numbers what it does to files below a folder, and at one
 * point kills it, lets the operation fail, or moves the clock. What to do comes as JSON in an environment variable.
 */
const given = process.env[injectionVariable];
if (given !== undefined) {
  const injection: Injection = JSON.parse(given);
  await patchAll(injection);
}

type Style = 'sync' | 'callback' | 'promise';

/** What is open below the folder. */
interface Opened {
  readonly path: string;
  readonly writing: boolean;
}

interface Operation {
  readonly name: string;
  readonly path: string;
  /** Writes the first half of what is to be written. */
  half?(): void;
}

async function patchAll(injection: Injection): Promise<void> {
  const { openSync, writeSync, closeSync, writeFileSync } = fs;
  const trace = injection.trace === undefined ? undefined : openSync(injection.trace, 'a');
  const seen = new Map<string, number>();
  const descriptors = new Map<number, Opened>();
  const handles = new WeakMap<object, Opened>();
  let failing = false;

  /** Called before an operation: the error it is to end with, or undefined. */
  function enter({ name, path, half }: Operation): { error?: Error; point: string } {
    const key = `${name} ${pointName(path, injection.root)}`;
    const count = (seen.get(key) ?? 0) + 1;
    seen.set(key, count);
    const point = `${key}#${count}`;
    if (trace !== undefined) writeSync(trace, `${point}\n`);
    const here = point === injection.at;
    if (here && injection.act === 'clock') shiftClock(injection.hours ?? 0);
    if (here && injection.act === 'kill' && injection.when === 'half') half?.();
    if (here && injection.act === 'kill' && injection.when !== 'after') die();
    const errno = errnoOf(injection.act);
    failing ||= here && errno !== undefined && injection.lasting === true;
    const fails = errno !== undefined && (here || (failing && /open|write|mkdir/.test(name)));
    return fails ? { point, error: errnoError(errno, name, path) } : { point };
  }

  function leave(point: string): void {
    if (point === injection.at && injection.act === 'kill' && injection.when === 'after') die();
  }

  function patch(
    target: object,
    name: string,
    style: Style,
    operationOf: (self: unknown, args: readonly unknown[]) => Operation | undefined,
    done: (self: unknown, args: readonly unknown[], result: unknown) => void = () => undefined,
  ): void {
    const original: unknown = Reflect.get(target, name);
    if (typeof original !== 'function') return;
    const value = function (this: unknown, ...args: unknown[]): unknown {
      const operation = operationOf(this, args);
      const { point, error } = operation ? enter(operation) : { point: '' };
      // A file is closed even where closing it fails.
      const closing = operation?.name === 'close';
      if (style === 'callback') {
        const callback = args.at(-1);
        if (typeof callback !== 'function') return Reflect.apply(original, this, args);
        if (error && !closing) return process.nextTick(callback, error);
        return Reflect.apply(original, this, [
          ...args.slice(0, -1),
          (failure: unknown, ...results: unknown[]) => {
            if (!failure) done(this, args, results[0]);
            leave(point);
            callback(error ?? failure, ...results);
          },
        ]);
      }
      if (style === 'sync') {
        if (error && !closing) throw error;
        const result: unknown = Reflect.apply(original, this, args);
        done(this, args, result);
        leave(point);
        if (error) throw error;
        return result;
      }
      if (error && !closing) return Promise.reject(error);
      return Promise.resolve(Reflect.apply(original, this, args)).then((result: unknown) => {
        done(this, args, result);
        leave(point);
        if (error) throw error;
        return result;
      });
    };
    Object.defineProperty(target, name, { value, configurable: true, writable: true });
  }

  const below = (path: unknown): path is string =>
    typeof path === 'string' && path.startsWith(`${injection.root}/`);

  const opening = (_self: unknown, [path, flags]: readonly unknown[]): Operation | undefined =>
    below(path) ? { name: writes(flags) ? 'open' : 'open-read', path } : undefined;
  const onPath =
    (name: string) =>
    (_self: unknown, [path]: readonly unknown[]): Operation | undefined =>
      below(path) ? { name, path } : undefined;
  const onTwo =
    (name: string) =>
    (_self: unknown, [from, to]: readonly unknown[]): Operation | undefined =>
      below(to) || below(from) ? { name, path: `${from} > ${to}` } : undefined;
  const wholeFile =
    (name: string) =>
    (_self: unknown, [path, data]: readonly unknown[]): Operation | undefined =>
      below(path) ? { name, path, half: () => writeFileSync(path, halfOf([data], true) ?? '') } : undefined;
  const onOpened =
    (name: string, opened: (self: unknown, args: readonly unknown[]) => Opened | undefined) =>
    (self: unknown, args: readonly unknown[]): Operation | undefined => {
      const file = opened(self, args);
      if (!file || (!file.writing && name !== 'read' && name !== 'sync')) return undefined;
      const descriptor = typeof args[0] === 'number' ? args[0] : descriptorOf(self);
      const data = typeof args[0] === 'number' ? args.slice(1) : args;
      return {
        name,
        path: file.path,
        half: () => writeSync(descriptor, halfOf(data, name !== 'write') ?? new Uint8Array(0)),
      };
    };
  const byDescriptor = (_self: unknown, [fd]: readonly unknown[]) =>
    typeof fd === 'number' ? descriptors.get(fd) : undefined;
  const byHandle = (self: unknown) =>
    typeof self === 'object' && self !== null ? handles.get(self) : undefined;
  const remember = (_self: unknown, [path, flags]: readonly unknown[], fd: unknown) => {
    if (typeof fd === 'number' && below(path)) descriptors.set(fd, { path, writing: writes(flags) });
  };

  for (const [suffix, style] of [
    ['', 'callback'],
    ['Sync', 'sync'],
  ] as const) {
    patch(fs, `open${suffix}`, style, opening, remember);
    for (const name of ['write', 'writev', 'read'])
      patch(fs, `${name}${suffix}`, style, onOpened(name, byDescriptor));
    patch(fs, `fsync${suffix}`, style, onOpened('sync', byDescriptor));
    patch(fs, `fdatasync${suffix}`, style, onOpened('sync', byDescriptor));
    patch(fs, `close${suffix}`, style, onOpened('close', byDescriptor), (_self, [fd]) => {
      if (typeof fd === 'number') descriptors.delete(fd);
    });
  }
  for (const [target, suffix, style] of [
    [fs, '', 'callback'],
    [fs, 'Sync', 'sync'],
    [fs.promises, '', 'promise'],
  ] as const) {
    for (const name of ['unlink', 'rm', 'rmdir', 'mkdir', 'mkdtemp', 'truncate', 'readFile'])
      patch(target, `${name}${suffix}`, style, onPath(name));
    for (const name of ['rename', 'link', 'symlink', 'copyFile'])
      patch(target, `${name}${suffix}`, style, onTwo(name));
    for (const name of ['writeFile', 'appendFile']) patch(target, `${name}${suffix}`, style, wholeFile(name));
  }
  patch(fs.promises, 'open', 'promise', opening, (_self, [path, flags], handle) => {
    if (typeof handle !== 'object' || handle === null || !below(path)) return;
    handles.set(handle, { path, writing: writes(flags) });
    // Each handle has a `close` of its own.
    patch(handle, 'close', 'promise', onOpened('close', byHandle));
  });
  const probe = await fs.promises.open(process.execPath, 'r');
  const prototype: object = Object.getPrototypeOf(probe);
  await probe.close();
  for (const name of ['write', 'writev', 'read', 'writeFile', 'appendFile', 'truncate'])
    patch(prototype, name, 'promise', onOpened(name, byHandle));
  for (const name of ['sync', 'datasync']) patch(prototype, name, 'promise', onOpened('sync', byHandle));
  syncBuiltinESMExports();
  process.once('exit', () => {
    if (trace !== undefined) closeSync(trace);
  });
}

function die(): never {
  process.kill(process.pid, 'SIGKILL');
  for (;;) performance.now();
}

/** `Date` from now on says another time; what measures durations does not. */
function shiftClock(hours: number): void {
  const shift = hours * 3_600_000;
  const Real = Date;
  class Shifted extends Real {
    constructor(...args: unknown[]) {
      super(...((args.length === 0 ? [Real.now() + shift] : args) as [number]));
    }
    static override now(): number {
      return Real.now() + shift;
    }
  }
  Object.defineProperty(globalThis, 'Date', { value: Shifted, configurable: true, writable: true });
}

function writes(flags: unknown): boolean {
  if (typeof flags === 'number') return (flags & (fs.constants.O_WRONLY | fs.constants.O_RDWR)) !== 0;
  return typeof flags === 'string' && /[wa+]/.test(flags);
}

function descriptorOf(handle: unknown): number {
  const fd: unknown = typeof handle === 'object' && handle !== null ? Reflect.get(handle, 'fd') : undefined;
  return typeof fd === 'number' ? fd : -1;
}

/** The first half of the bytes that a call is to write; `whole`: the call takes no offset and length. */
function halfOf([data, offset, length]: readonly unknown[], whole: boolean): Uint8Array | undefined {
  if (Array.isArray(data)) return halfOf([Buffer.concat(data)], true);
  const bytes = typeof data === 'string' ? Buffer.from(data) : data;
  if (!(bytes instanceof Uint8Array)) return undefined;
  const start = !whole && typeof offset === 'number' ? offset : 0;
  const size = !whole && typeof length === 'number' ? length : bytes.length - start;
  return bytes.subarray(start, start + Math.ceil(size / 2));
}

const errnos = {
  EIO: [-5, 'i/o error'],
  EACCES: [-13, 'permission denied'],
  ENOSPC: [-28, 'no space left on device'],
} as const;

function errnoOf(act: string | undefined): keyof typeof errnos | undefined {
  return act === 'EIO' || act === 'EACCES' || act === 'ENOSPC' ? act : undefined;
}

function errnoError(code: keyof typeof errnos, operation: string, path: string): Error {
  const [errno, text] = errnos[code];
  // What may not be read or written is refused when it is opened.
  const opens = code === 'EACCES' && /^(readFile|writeFile|appendFile)$/.test(operation);
  const syscall = opens ? 'open' : operation.replace('open-read', 'open').replace('sync', 'fsync');
  // As Node does: only operations on paths know a path.
  const about = /open|rename|link|unlink|rm|mkdir/.test(syscall) ? ` '${path.split(' > ')[0]}'` : '';
  return Object.assign(new Error(`${code}: ${text}, ${syscall}${about}`), { code, errno, syscall });
}
