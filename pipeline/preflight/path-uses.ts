import { dirname, join, resolve } from 'node:path';
import type { PathRole, Sink } from '../component.js';
import type { Config, Stage } from '../config/load.js';
import { optionPaths } from '../config/options.js';
import { cacheFolder, spillFolder, workFolder } from '../state/folders.js';

/** A path that a run reads, writes, or keeps something at. */
export interface PathUse {
  /** Whose it is: `stage "pool"`, `state_dir`. */
  readonly user: string;
  /** The stage's id, where it is one's. */
  readonly stage?: string;
  /** `file:line:col` of the stage. */
  readonly place?: string | undefined;
  /** Absolute; what is read may be a glob. */
  readonly path: string;
  readonly role: PathRole;
  /** Of what is read: whether a file at this path would be read too, with `path` in place of its own. */
  takes?(file: string, path: string): boolean;
  /** Of what is written: names such as those of the files in the folder. */
  readonly fileNames?: readonly string[];
  /** Of what is written: whether files in the folder have the names that input files have below theirs. */
  readonly namedByInput?: boolean;
  /** Of a folder that is read: which names in it. */
  readonly names?: RegExp;
  readonly foreign?: Sink['foreign'];
  /** Of what is kept: whether outputs may be in it. */
  readonly open?: boolean;
}

/** All paths of a run. Pure. */
export function pathUses(config: Config): PathUse[] {
  return [
    { user: 'the configuration', path: resolve(config.file), role: 'reads' },
    ...(config.plugins ?? []).map((path): PathUse => ({ user: 'plugins', path, role: 'reads' })),
    ...stageUses(config.stages),
    ...settingUses(config),
  ];
}

/** The paths of stages. */
export function stageUses(stages: Iterable<Stage>): PathUse[] {
  return [...stages].flatMap(({ id, component, options, place }) =>
    optionPaths(component, options).map(({ path, role, files }): PathUse => {
      const use = { user: `stage "${id}"`, stage: id, place, path, role };
      if (component.kind === 'sink' && role === 'writes')
        return {
          ...use,
          fileNames: component.fileNames?.(options) ?? [],
          ...(component.namedByInput?.(options) && { namedByInput: true }),
          ...(component.foreign && { foreign: component.foreign }),
        };
      if (component.kind === 'source' && component.takes)
        return { ...use, takes: (file, own) => component.takes!(withPath(options, own), file) };
      // What is kept in a folder may be deleted, and what is put into it with it.
      if (role === 'keeps') return { ...use, open: false };
      if (files === undefined) return use;
      const names = new RegExp(files);
      return {
        ...use,
        names,
        takes: (file, own) => dirname(file) === own && names.test(file.slice(own.length + 1)),
      };
    }),
  );
}

function withPath(options: unknown, path: string): unknown {
  return { ...(options as object), path };
}

function settingUses({ file, name, tempDir, settings }: Config): PathUse[] {
  const { stateDir, manifest, onError, metrics } = settings;
  const uses: PathUse[] = [];
  const add = (user: string, path: string | undefined, role: PathRole, open = false) => {
    if (path !== undefined) uses.push({ user, path, role, ...(role === 'keeps' && { open }) });
  };
  if (stateDir !== undefined) {
    add('state_dir', stateDir, 'keeps', true);
    const own = ['memory', 'runs', 'quarantine', 'manifest.json'].map((entry) => join(stateDir, entry));
    for (const path of [workFolder(stateDir), cacheFolder(stateDir), spillFolder(stateDir), ...own])
      add('state_dir', path, 'keeps');
  }
  add('temp_dir', tempDir, 'keeps', true);
  add('manifest', manifest, 'writes');
  if (onError.policy === 'quarantine') {
    const usual =
      stateDir === undefined
        ? join(dirname(resolve(file)), `${name}.rejects.jsonl`)
        : join(stateDir, 'quarantine', 'run.jsonl');
    add(
      onError.path === undefined ? 'on_error: quarantine' : 'on_error.path',
      onError.path ?? usual,
      'writes',
    );
  }
  add('metrics.textfile', metrics.textfile, 'writes');
  return uses;
}
