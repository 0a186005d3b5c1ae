import yargs, { type Argv } from 'yargs';
import { ConfigError } from '../config/problems.js';
import { commandFault } from './command-fault.js';
import type { PlanFormat } from './plan.js';

const epilogue = `Exit codes: 0 done, 1 the run or its data failed, 2 the configuration or the command line is wrong, 130 and 143 stopped by SIGINT and SIGTERM.
Nothing is written unless the whole run succeeds.`;

const set = {
  type: 'string',
  array: true,
  default: [] as string[],
  defaultDescription: 'none',
  nargs: 1,
  describe: 'Value of a parameter, name=value; may be repeated',
} as const;
const plugin = {
  type: 'string',
  array: true,
  default: [] as string[],
  defaultDescription: 'none',
  nargs: 1,
  describe: 'A file with stages of your own; may be repeated',
} as const;
const format = {
  choices: ['text', 'mermaid', 'json'] as const,
  default: 'text' as const,
  nargs: 1,
  describe: 'How it is shown',
} as const;
const config = { type: 'string', demandOption: true, describe: 'The pipeline, a YAML file' } as const;
const manifest = { type: 'string', demandOption: true, describe: 'A manifest, a JSON file' } as const;
const component = { type: 'string', demandOption: true, describe: 'Its name, as in "use"' } as const;

/** Parses the command line and runs the command. Throws what failed; commands are loaded only when they are used. */
export async function main(args: readonly string[], version: string): Promise<void> {
  await withCommands(yargs([...args]).scriptName('nag-pipeline'))
    .parserConfiguration({ 'dot-notation': false, 'boolean-negation': false, 'camel-case-expansion': false })
    .usage(
      '$0 <command>\n\nChooses pretraining data by the neurons it activates: a YAML file says from what, by what and how much.',
    )
    .option('debug', { type: 'boolean', default: false, describe: 'Show stack traces of errors' })
    .example('$0 run nightly.yaml --set day=2026-11-23', 'run with a parameter')
    .example('$0 plan nightly.yaml --format mermaid', 'draw the pipeline')
    .example('$0 describe rank', 'what rank does and takes')
    .epilogue(epilogue)
    .demandCommand(1, 'a command is missing')
    .strict()
    .version(version)
    .help()
    .wrap(Math.min(110, process.stdout.columns ?? 110))
    .fail((message, error) => {
      // What yargs itself finds wrong comes as text, or as an error of its own kind.
      if (error && error.name !== 'YError') throw error;
      throw new ConfigError(`${commandFault(args, message ?? error.message)}\nSee nag-pipeline --help.`);
    })
    .parseAsync();
}

function withCommands(program: Argv): Argv {
  return program
    .command(
      'run <config>',
      'Run a pipeline',
      (y) => y.positional('config', config).option('set', set),
      async (a) => (await import('./run.js')).runCommand(a.config, a.set),
    )
    .command(
      'check <config>',
      'Check a pipeline without reading data; tells every fault at once',
      (y) => y.positional('config', config).option('set', set),
      async (a) => (await import('./check.js')).checkCommand(a.config, a.set),
    )
    .command(
      'plan <config>',
      'Show how a pipeline would run: segments, fused stages, side inputs, outputs',
      (y) =>
        y
          .positional('config', config)
          .option('set', set)
          .option('format', format)
          .coerce('format', (value: PlanFormat | PlanFormat[]) => [value].flat().at(-1)),
      async (a) => (await import('./plan.js')).planCommand(a.config, a.set, a.format ?? 'text'),
    )
    .command(
      'verify <manifest>',
      'Check that the files of a manifest are there as they were published',
      (y) => y.positional('manifest', manifest),
      async (a) => (await import('./verify.js')).verifyCommand(a.manifest),
    )
    .command(
      'list',
      'List the components that "use" can name',
      (y) => y.option('plugin', plugin),
      async (a) => (await import('./components.js')).listCommand(a.plugin),
    )
    .command(
      'describe <component>',
      'Show the options of a component and an example',
      (y) => y.positional('component', component).option('plugin', plugin),
      async (a) => (await import('./components.js')).describeCommand(a.component, a.plugin),
    );
}
