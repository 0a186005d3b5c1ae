import { join } from 'node:path';
import t from 'tap';
import { loadForCommand } from '../../../pipeline/cli/load.js';
import { main } from '../../../pipeline/cli/main.js';
import { ConfigError } from '../../../pipeline/config/problems.js';
import { runCli } from '../../fixtures/cli.js';

const good = `version: 1
name: small
params: {n: {type: int, default: 5}}
stages:
  - {use: read.jsonl, with: {path: docs.jsonl}}
  - {use: show, with: {columns: [docid], rows: "\${n}"}}
`;
const docs = ['a', 'b', 'c'].map((docid) => `${JSON.stringify({ docid, doc: `text ${docid}` })}\n`).join('');
const files = { 'good.yaml': good, 'docs.jsonl': docs, 'bad.yaml': 'version: 1\nstages: [{use: shwo}]\n' };

t.test(
  'run: the summary goes to stdout; paths are relative to the file, not to where one stands',
  async (t) => {
    const folder = t.testdir(files);
    const { code, stdout } = await runCli(['run', join(folder, 'good.yaml'), '--set', 'n=2'], { cwd: '/' });
    t.equal(code, 0);
    t.match(stdout, /^small: done in [\d.]+ s, peak memory [\d,]+ MB\n/);
    t.match(stdout, /read\.jsonl +3 +3 +0/);
  },
);

t.test('run: a failure of the data has exit code 1, and no stack trace without --debug', async (t) => {
  const folder = t.testdir({ ...files, 'docs.jsonl': '{"docid": 1\n' });
  const args = ['run', join(folder, 'good.yaml')];
  const plain = await runCli(args);
  t.equal(plain.code, 1);
  t.equal(plain.stdout, '');
  t.match(plain.stderr, `${join(folder, 'docs.jsonl')}: line 1`);
  t.notMatch(plain.stderr, /^ +at /m);
  const debug = await runCli([...args, '--debug']);
  t.equal(debug.code, 1);
  t.match(debug.stderr, /^ +at /m);
});

t.test('check and plan read no data', async (t) => {
  const folder = t.testdir({ 'good.yaml': good });
  const check = await runCli(['check', 'good.yaml'], { cwd: folder });
  t.strictSame(check, { code: 0, signal: null, stdout: 'good.yaml: 2 stages, no faults\n', stderr: '' });
  const plan = await runCli(['plan', 'good.yaml'], { cwd: folder });
  t.match(plan, { code: 0, stdout: /^small: 1 segments?\nsegment 1: read\.jsonl → show\n/, stderr: '' });
  const json = await runCli(['plan', 'good.yaml', '--format', 'text', '--format=json'], { cwd: folder });
  t.match(JSON.parse(json.stdout), { name: 'small', stages: [{ id: 'read.jsonl' }, { id: 'show' }] });
});

t.test('a wrong configuration has exit code 2', async (t) => {
  const folder = t.testdir(files);
  for (const command of ['check', 'run']) {
    t.strictSame(await runCli([command, 'bad.yaml'], { cwd: folder }), {
      code: 2,
      signal: null,
      stdout: '',
      stderr: 'bad.yaml:2:16  stages[0].use  there is no component "shwo", did you mean "show"?\n',
    });
  }
  const debug = await runCli(['check', 'none.yaml', '--debug'], { cwd: folder });
  t.match(debug.stderr, /^ConfigError: none\.yaml: there is no such file\n +at /);
  t.match(debug.stderr, /\ncaused by: Error: ENOENT/);
});

t.test('parameters come from --set and from the environment', async (t) => {
  const file = join(
    t.testdir({ 'p.yaml': good.replace('default: 5', 'default: 5, env: NAG_TEST_ROWS') }),
    'p.yaml',
  );
  t.teardown(() => delete process.env['NAG_TEST_ROWS']);
  const rows = async (set: string[]) => (await loadForCommand(file, set)).stages[1]?.options;
  t.match(await rows([]), { rows: 5 });
  process.env['NAG_TEST_ROWS'] = '7';
  t.match(await rows([]), { rows: 7 });
  t.match(await rows(['n=8', 'n=9']), { rows: 9 }, 'the last one');
});

const wrong: readonly [args: string[], message: RegExp][] = [
  [[], /^a command is missing\nSee nag-pipeline --help\.$/],
  [['chekc', 'good.yaml'], /^there is no command "chekc", did you mean "check"\?/],
  [
    ['zzzzz'],
    /^there is no command "zzzzz" \(there are: run, quickstart, check, plan, runs, verify, list, describe\)/,
  ],
  [['check'], /^an argument is missing: nag-pipeline check <config>/],
  [['describe'], /^an argument is missing: nag-pipeline describe <component>/],
  [['check', 'good.yaml', 'more'], /^unexpected argument "more"/],
  [['plan', 'good.yaml', '--fromat', 'x'], /^there is no option --fromat, did you mean --format\?/],
  [['run', 'good.yaml', '--no-set', '-x'], /^there is no option --no-set\nthere is no option -x\n/],
  [['plan', 'good.yaml', '--format', 'jsn'], /^--format "jsn": expected one of text, mermaid, json/],
  [['run', 'good.yaml', '--log', 'xml'], /^--log "xml": expected one of text, json/],
  [['run', 'good.yaml', '--lgo', 'json'], /^there is no option --lgo, did you mean --log\?/],
  [['check', 'good.yaml', '--log', 'json'], /^check has no option --log: run, quickstart have it/],
  [['check', 'good.yaml', '--format', 'json'], /^check has no option --format: plan, runs have it/],
  [['good.yaml'], /^a command is missing: nag-pipeline run good\.yaml/],
  [['run', 'good.yaml', 'n=4'], /^unexpected argument "n=4": parameters are given with --set n=4/],
  [['run', 'good.yaml', '--n', '4'], /^there is no option --n: parameters are given with --set n=…/],
  [['run', 'good.yaml', '--dry-run'], /^there is no option --dry-run: plan shows what would run/],
  [['describe', 'read'], /^there is no component "read", did you mean "read.parquet" or "read.jsonl" or /],
  [['run', 'good.yaml', '--set'], /^--set needs a value/],
  [['run', 'good.yaml', '--set', 'x'], /^--set x: expected name=value/],
  [
    ['run', 'good.yaml', '--set', 'm=1'],
    /^good\.yaml:3:9 {2}params {2}--set m: there is no such parameter \(there are: n\)/,
  ],
  [['describe', 'rnak'], /^there is no component "rnak", did you mean "rank"\?/],
  [['list', '--plugin', 'none.js'], /none\.js: there is no such file/],
];

t.test('a wrong command line has exit code 2 and says what is wrong', async (t) => {
  const folder = t.testdir(files);
  for (const [args, message] of wrong) {
    const placed = args.map((arg) => (arg === 'good.yaml' ? join(folder, arg) : arg));
    const error = await main(placed, '1.2.3').catch((thrown: unknown) => thrown);
    if (!(error instanceof ConfigError)) t.fail(`${args.join(' ')}: ${String(error)}`);
    else t.match(error.message.replaceAll(`${folder}/`, ''), message);
  }
  const { code, stdout, stderr } = await runCli(['chekc', 'good.yaml']);
  t.strictSame([code, stdout], [2, '']);
  t.equal(stderr, 'there is no command "chekc", did you mean "check"?\nSee nag-pipeline --help.\n');
});

t.test('--help and --version', async (t) => {
  const help = await runCli(['--help']);
  t.equal(help.code, 0);
  for (const text of [
    'run <config>',
    'check <config>',
    'plan <config>',
    'list',
    'describe <component>',
    'runs',
    'Exit codes',
    ...['0', '1', '2', '3', '4', '130', '143'].map((code) => new RegExp(`^ {2}${code} +\\w`, 'm')),
  ])
    t.match(help.stdout, text);
  const plan = await runCli(['plan', '--help']);
  for (const text of ['--set', '--format', 'mermaid', '--debug']) t.match(plan.stdout, text);
  t.match((await runCli(['--version'])).stdout, /^\d+\.\d+\.\d+\n$/);
});

t.test('help and version, as people ask for them', async (t) => {
  const said = async (...args: string[]) => (await runCli(args)).stdout.split('\n')[0];
  const firsts = ['--help', '-h', 'help', 'run -h', 'help run', 'runs list -h'].map((line) =>
    said(...line.split(' ')),
  );
  t.strictSame(await Promise.all(firsts), [
    ...Array.from({ length: 3 }, () => 'nag-pipeline <command>'),
    ...Array.from({ length: 2 }, () => 'nag-pipeline run <config>'),
    'nag-pipeline runs list <config>',
  ]);
  const versions = await Promise.all(['--version', '-v', '-V', 'version'].map((word) => said(word)));
  t.match(
    versions,
    Array.from({ length: 4 }, () => /^\d+\.\d+\.\d+/),
  );
});
