import { didYouMean, nearest } from '../config/problems.js';

/** Commands and what they need. */
const needs: Readonly<Record<string, string>> = {
  run: 'config',
  quickstart: '',
  check: 'config',
  plan: 'config',
  runs: 'config',
  verify: 'manifest',
  list: '',
  describe: 'component',
};
const commands = Object.keys(needs);
const runsCommands = ['list', 'show'];
const optionNames = ['set', 'log', 'format', 'plugin', 'debug', 'version', 'help'];

/** What is wrong with a command line, from the arguments and what yargs says of them. */
export function commandFault(args: readonly string[], message: string): string {
  const [command, second] = args.filter((arg) => !arg.startsWith('-'));
  if (command !== undefined && !commands.includes(command))
    return `there is no command "${command}"${didYouMean(command, commands)}`;
  if (command === 'runs' && second !== undefined && !runsCommands.includes(second))
    return `there is no command "runs ${second}"${didYouMean(second, runsCommands)}`;
  if (message.startsWith('Not enough non-option arguments')) {
    const words = command === 'runs' ? `runs ${second}` : command;
    return `an argument is missing: nag-pipeline ${words} <${needs[command ?? 'run']}>`;
  }
  const value = /Argument: (\w+), Given: (.*), Choices: (.*)$/.exec(message);
  if (value) return `--${value[1]} ${value[2]}: expected one of ${value[3]?.replaceAll('"', '')}`;
  const missing = /^Not enough arguments following: (.*)$/.exec(message)?.[1];
  if (missing !== undefined) return `--${missing} needs a value`;
  const unknown = /^Unknown arguments?: (.*)$/.exec(message)?.[1]?.split(', ');
  return unknown ? unknown.map((name) => unknownArgument(name, args)).join('\n') : message;
}

function unknownArgument(name: string, args: readonly string[]): string {
  const option = args.find((arg) => /^--?/.test(arg) && arg.replace(/^-+/, '').split('=')[0] === name);
  if (option === undefined) return `unexpected argument "${name}"`;
  const near = nearest(name, optionNames);
  return `there is no option ${option.split('=')[0]}${near === undefined ? '' : `, did you mean --${near}?`}`;
}
