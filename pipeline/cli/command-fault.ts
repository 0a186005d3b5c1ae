import { didYouMean, nearest } from '../config/problems.js';

/** Commands, what they need, and their options. */
const known: Readonly<Record<string, { readonly needs: string; readonly options: readonly string[] }>> = {
  run: { needs: 'config', options: ['set', 'log'] },
  quickstart: { needs: '', options: ['set', 'log'] },
  check: { needs: 'config', options: ['set'] },
  plan: { needs: 'config', options: ['set', 'format'] },
  runs: { needs: 'config', options: ['set', 'format'] },
  verify: { needs: 'manifest', options: [] },
  list: { needs: '', options: ['plugin'] },
  describe: { needs: 'component', options: ['plugin'] },
};
const commands = Object.keys(known);
const runsCommands = ['list', 'show'];
const everywhere = ['debug', 'version', 'help'];

/** Options that other programs have, and what does the same here. */
const elsewhere: Readonly<Record<string, string>> = {
  'dry-run': 'plan shows what would run',
  verbose: 'messages are complete as they are, and --log json has more',
  quiet: 'send stderr elsewhere',
  param: 'parameters are given with --set name=value',
};

/** What is wrong with a command line, from the arguments and what yargs says of them. */
export function commandFault(args: readonly string[], message: string): string {
  const [command, second] = args.filter((arg) => !arg.startsWith('-'));
  if (command !== undefined && /\.ya?ml$/.test(command) && !commands.includes(command))
    return `a command is missing: nag-pipeline run ${command}`;
  if (command !== undefined && !commands.includes(command))
    return `there is no command "${command}"${didYouMean(command, commands)}`;
  if (command === 'runs' && second !== undefined && !runsCommands.includes(second))
    return `there is no command "runs ${second}"${didYouMean(second, runsCommands)}`;
  if (message.startsWith('Not enough non-option arguments')) {
    const words = command === 'runs' ? `runs ${second}` : command;
    return `an argument is missing: nag-pipeline ${words} <${known[command ?? 'run']?.needs}>`;
  }
  const value = /Argument: (\w+), Given: (.*), Choices: (.*)$/.exec(message);
  if (value) return `--${value[1]} ${value[2]}: expected one of ${value[3]?.replaceAll('"', '')}`;
  const missing = /^Not enough arguments following: (.*)$/.exec(message)?.[1];
  if (missing !== undefined) return `--${missing} needs a value`;
  const unknown = /^Unknown arguments?: (.*)$/.exec(message)?.[1]?.split(', ');
  return unknown ? unknown.map((name) => unknownArgument(name, args, command ?? '')).join('\n') : message;
}

function unknownArgument(name: string, args: readonly string[], command: string): string {
  const option = args.find((arg) => /^--?/.test(arg) && arg.replace(/^-+/, '').split('=')[0] === name);
  const own = known[command]?.options ?? [];
  if (option === undefined) {
    const isParam = own.includes('set') && /^[^=]+=/.test(name);
    return `unexpected argument "${name}"${isParam ? `: parameters are given with --set ${name}` : ''}`;
  }
  const others = commands.filter((other) => known[other]?.options.includes(name));
  if (others.length > 0) return `${command} has no option --${name}: ${others.join(', ')} have it`;
  const near = nearest(name, [...own, ...everywhere]);
  if (near !== undefined) return `there is no option ${option.split('=')[0]}, did you mean --${near}?`;
  const isParam = own.includes('set') && option.startsWith('--') && !name.startsWith('no-');
  const hint = elsewhere[name] ?? (isParam ? `parameters are given with --set ${name}=…` : undefined);
  return `there is no option ${option.split('=')[0]}${hint === undefined ? '' : `: ${hint}`}`;
}
