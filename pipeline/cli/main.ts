import { join } from 'node:path';
import yargs, { type Argv } from 'yargs';
import { ConfigError } from '../config/problems.js';
import { commandFault } from './command-fault.js';

const epilogue = `Exit codes:
  0    complete
  1    the run or its data failed
  2    the configuration or the command line is wrong
  3    another run of the same pipeline goes on
  4    more rows or files were rejected than on_error allows
  130  stopped by SIGINT
  143  stopped by SIGTERM
Nothing is published unless the whole run succeeds: until then, what an earlier run published stays.`;

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
/** An option of few values; the last one given counts. */
const choice = <T extends string>(choices: readonly [T, ...T[]], describe: string) => ({
  choices,
  default: choices[0],
  nargs: 1,
  describe,
  coerce: (given: T | readonly T[]): T => (typeof given === 'string' ? given : given.at(-1)) ?? choices[0],
});
const log = choice(['text', 'json'], 'How the run is told on stderr: for people, or a JSON object a line');
const files = {
  type: 'boolean',
  default: false,
  describe: 'Also look at files: inputs, columns, models, outputs, as a run does before its first stage',
} as const;
const planFormat = choice(['text', 'mermaid', 'json'], 'How it is shown');
const runsFormat = choice(['text', 'json'], 'How it is shown');
const config = { type: 'string', demandOption: true, describe: 'The pipeline, a YAML file' } as const;
const manifest = { type: 'string', demandOption: true, describe: 'A manifest, a JSON file' } as const;
const runsOf = {
  type: 'string',
  demandOption: true,
  describe: 'The pipeline, a YAML file, or its state folder',
} as const;
const component = { type: 'string', demandOption: true, describe: 'Its name, as in "use"' } as const;

/** Parses the command line and runs the command. Throws what failed; commands are loaded only when they are used. */
export async function main(args: readonly string[], version: string): Promise<void> {
  await withCommands(yargs(withoutWords(args)).scriptName('nag-pipeline'))
    .parserConfiguration({ 'dot-notation': false, 'boolean-negation': false, 'camel-case-expansion': false })
    .usage(
      '$0 <command>\n\nChooses pretraining data by the neurons it activates: a YAML file says from what, by what and how much.',
    )
    .option('debug', { type: 'boolean', default: false, describe: 'Show stack traces of errors' })
    .example('$0 run nightly.yaml --set day=2026-11-23', 'run with a parameter')
    .example('$0 plan nightly.yaml --format mermaid', 'draw the pipeline')
    .example('$0 runs show nightly.yaml', 'what happened last night')
    .example('$0 describe rank', 'what rank does and takes')
    .epilogue(epilogue)
    .demandCommand(1, 'a command is missing')
    .strict()
    .version(version)
    .alias('version', ['v', 'V'])
    .help()
    .alias('help', 'h')
    .wrap(Math.min(110, process.stdout.columns ?? 110))
    .fail((message, error) => {
      // What yargs itself finds wrong comes as text, or as an error of its own kind.
      if (error && error.name !== 'YError') throw error;
      throw new ConfigError(`${commandFault(args, message ?? error.message)}\nSee nag-pipeline --help.`);
    })
    .parseAsync();
}

/** `help`, `help run` and `version` mean what the options of that name do. */
function withoutWords([first, ...others]: readonly string[]): string[] {
  if (first === 'help') return [...others, '--help'];
  if (first === 'version') return ['--version'];
  return first === undefined ? [] : [first, ...others];
}

function withCommands(program: Argv): Argv {
  return program
    .command(
      'run <config>',
      'Run a pipeline',
      (y) => y.positional('config', config).option('set', set).option('log', log),
      async (a) => (await import('./run.js')).runCommand(a.config, a.set, a.log),
    )
    .command(
      'quickstart',
      'Try it: choose from eighty small documents with a small model, both part of the package',
      (y) => y.option('set', set).option('log', log),
      async (a) =>
        (await import('./run.js')).runCommand(await packageFile('configs/quickstart.yaml'), a.set, a.log),
    )
    .command(
      'check <config>',
      'Check a pipeline without reading data, or with --files its files too; tells every fault at once',
      (y) => y.positional('config', config).option('set', set).option('files', files),
      async (a) => (await import('./check.js')).checkCommand(a.config, a.set, a.files),
    )
    .command(
      'plan <config>',
      'Show how a pipeline would run: segments, fused stages, side inputs, outputs',
      (y) => y.positional('config', config).option('set', set).option('format', planFormat),
      async (a) => (await import('./plan.js')).planCommand(a.config, a.set, a.format),
    )
    .command('runs', 'Tell what earlier runs did: runs list, runs show', withRuns)
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

async function packageFile(name: string): Promise<string> {
  return join((await import('./version.js')).packageFolder() ?? '.', name);
}

function withRuns(program: Argv): Argv {
  return program
    .command(
      'list <config>',
      'All runs that are remembered, a line each, the last one first',
      (y) => y.positional('config', runsOf).option('set', set).option('format', runsFormat),
      async (a) => (await import('./runs.js')).runsListCommand(a.config, a.set, a.format),
    )
    .command(
      'show <config> [run]',
      'All that is known of a run',
      (y) =>
        y
          .positional('config', runsOf)
          .positional('run', { type: 'string', default: 'last', describe: 'Its id, or how that begins' })
          .option('set', set)
          .option('format', runsFormat),
      async (a) => (await import('./runs.js')).runsShowCommand(a.config, a.run, a.set, a.format),
    )
    .demandCommand(1, 'a command is missing: nag-pipeline runs <list|show>');
}
