import { builtins } from '../builtins.js';
import { type Config, loadConfig } from '../config/load.js';
import { ConfigError } from '../config/problems.js';
import { makePlan, type Plan } from '../plan.js';
import { loadPlugin } from '../plugins.js';
import { chainFaults } from '../preflight/chain.js';
import { pathFaults } from '../preflight/check-paths.js';
import { throwFindings } from '../preflight/finding.js';
import { pathUses } from '../preflight/path-uses.js';
import { workFolder } from '../state/folders.js';

/** Loads a configuration as all commands do: built-in components, the process's environment, today's date. */
export async function loadForCommand(file: string, set: readonly string[]): Promise<Config> {
  return await loadConfig(file, {
    registry: builtins,
    loadPlugin,
    currentFolder: process.cwd(),
    set: parseSet(set),
    env: process.env,
    today: today(),
  });
}

/** How a configuration runs. Throws for what only the configuration as a whole shows; nothing is looked up. */
export function planOf(config: Config): Plan {
  const {
    stages,
    settings: { stateDir },
  } = config;
  const plan = makePlan(stages, { checkpoints: stateDir === undefined ? undefined : workFolder(stateDir) });
  throwFindings([...pathFaults(pathUses(config)), ...chainFaults(stages, plan)]);
  return plan;
}

/** Says on stderr how the configuration was read; `run` tells its reporter instead. */
export function writeNotes({ notes }: Config): void {
  for (const text of notes) process.stderr.write(`note: ${text}\n`);
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
