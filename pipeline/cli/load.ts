import { join } from 'node:path';
import { builtins } from '../builtins.js';
import { type Config, loadConfig } from '../config/load.js';
import { ConfigError } from '../config/problems.js';
import { loadPlugin } from '../plugins.js';

/** Loads a configuration as all commands do: built-in components, the process's environment, today's date. */
export async function loadForCommand(file: string, set: readonly string[]): Promise<Config> {
  return await loadConfig(file, {
    registry: builtins,
    loadPlugin,
    set: parseSet(set),
    env: process.env,
    today: today(),
  });
}

/** Where a configuration's runs keep what costly stages have computed. */
export function workFolder({ settings: { stateDir } }: Config): string | undefined {
  return stateDir === undefined ? undefined : join(stateDir, 'work');
}

/** `--set k=v`, the last of the same name wins. */
function parseSet(set: readonly string[]): Map<string, string> {
  return new Map(
    set.map((text) => {
      const at = text.indexOf('=');
      if (at <= 0) throw new ConfigError(`--set ${text}: expected name=value`);
      return [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}

/** The local date: what a person, and cron, means by today. */
function today(): string {
  const now = new Date();
  const two = (n: number) => String(n).padStart(2, '0');
  return `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
}
