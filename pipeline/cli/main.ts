import yargs from 'yargs';
import { ConfigError } from '../config/problems.js';
import { loadForCommand } from './load.js';

const epilogue = `Exit codes: 0 done, 1 the run or its data failed, 2 the configuration is wrong, 130 and 143 stopped by SIGINT and SIGTERM.
Nothing is written unless the whole run succeeds.`;

const set = {
  type: 'string',
  array: true,
  default: [] as string[],
  nargs: 1,
  describe: 'Value of a parameter, name=value; may be repeated',
} as const;
const plugin = {
  type: 'string',
  array: true,
  default: [] as string[],
  nargs: 1,
  describe: 'A file with stages of your own',
} as const;
const config = { type: 'string', demandOption: true, describe: 'The pipeline, a YAML file' } as const;

/** Parses the command line and runs the command. Throws what failed; commands are loaded only when they are used. */
export async function main(args: readonly string[], version: string): Promise<void> {
  await yargs([...args])
    .scriptName('nag-pipeline')
    .usage(
      '$0 <command>\n\nChooses pretraining data by the neurons it activates: a YAML file says from what, by what and how much.',
    )
    .command(
      'run <config>',
      'Run a pipeline',
      (y) => y.positional('config', config).option('set', set),
      async (a) => {
        const { runCommand } = await import('./run.js');
        await runCommand(a.config, a.set);
      },
    )
    .command(
      'check <config>',
      'Check a pipeline without reading data; tells every fault at once',
      (y) => y.positional('config', config).option('set', set),
      async (a) => {
        const { makePlan } = await import('../plan.js');
        const checked = await loadForCommand(a.config, a.set);
        makePlan(checked.stages);
        process.stdout.write(`${a.config}: ${checked.stages.length} stages, no faults\n`);
      },
    )
    .command(
      'plan <config>',
      'Show how a pipeline would run: segments, fused stages, side inputs, outputs',
      (y) =>
        y
          .positional('config', config)
          .option('set', set)
          .option('format', {
            choices: ['text', 'mermaid', 'json'] as const,
            default: 'text' as const,
            describe: 'How it is shown',
          }),
      async (a) => {
        const { planCommand } = await import('./plan.js');
        await planCommand(a.config, a.set, a.format);
      },
    )
    .command(
      'list',
      'List the components that "use" can name',
      (y) => y.option('plugin', plugin),
      async (a) => {
        const { listCommand } = await import('./components.js');
        await listCommand(a.plugin);
      },
    )
    .command(
      'describe <component>',
      'Show the options of a component and an example',
      (y) =>
        y
          .positional('component', { type: 'string', demandOption: true, describe: 'Its name, as in "use"' })
          .option('plugin', plugin),
      async (a) => {
        const { describeCommand } = await import('./components.js');
        await describeCommand(a.component, a.plugin);
      },
    )
    .option('debug', { type: 'boolean', default: false, describe: 'Show stack traces of errors' })
    .example('$0 run nightly.yaml --set day=2026-11-23', 'run with a parameter')
    .example('$0 describe rank', 'what rank does and takes')
    .epilogue(epilogue)
    .demandCommand(1, 'Name a command.')
    .recommendCommands()
    .strict()
    .version(version)
    .help()
    .wrap(Math.min(110, process.stdout.columns ?? 100))
    .fail((message, error) => {
      throw error ?? new ConfigError(`${message}\nSee nag-pipeline --help.`);
    })
    .parseAsync();
}
