import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { RunRecord } from '../../../pipeline/state/record.js';
import { recordPath, writeRecord } from '../../../pipeline/state/records.js';
import { cliHere } from '../../fixtures/cli.js';
import { recordOf } from '../../fixtures/records.js';

process.env['TZ'] = 'UTC';

const ids = ['20261122T020000Z-aaaa', '20261123T020000Z-bbbb', '20261124T020000Z-1f3a'] as const;

/** A configuration with a state folder that remembers three nights. */
async function project(t: Test, last: Partial<RunRecord> = {}) {
  const folder = t.testdir({
    'docs.jsonl': '{"docid": "a"}\n',
    'c.yaml': `version: 1
params: {where: {type: string, default: state}}
state_dir: "\${where}"
stages: [{use: read.jsonl, with: {path: docs.jsonl}}, {use: show}]
`,
    'stateless.yaml': 'version: 1\nstages: [{use: read.jsonl, with: {path: docs.jsonl}}, {use: show}]\n',
  });
  const state = join(folder, 'state');
  await writeRecord(state, recordOf({ id: ids[0], startedAt: '2026-11-22T02:00:00.000Z' }));
  await writeRecord(
    state,
    recordOf({ id: ids[1], status: 'failed', exitCode: 4, error: 'too many rejected' }),
  );
  await writeRecord(state, recordOf({ id: ids[2], ...last }));
  const runs = (...args: string[]) => cliHere(['runs', ...args], { cwd: folder });
  return { folder, state, runs };
}

t.test('list: the newest first, of a configuration and of a state folder', async (t) => {
  const { runs, state } = await project(t);
  const { code, stdout, stderr } = await runs('list', 'c.yaml');
  t.strictSame([code, stderr], [0, '']);
  const lines = stdout.trimEnd().split('\n');
  t.equal(lines.length, 4);
  t.match(
    lines[1],
    new RegExp(`^ {2}${ids[2]} {2}2026-11-24 02:00:00 {2}65 min {2}complete +0 +1,000 +100 `),
  );
  t.match(
    lines[2],
    new RegExp(`^ {2}${ids[1]} .* failed +4 +1,000 +- .*too many rejected, 3 rejected, 1 note$`),
  );
  t.match(lines[3], `  ${ids[0]}  2026-11-22 02:00:00 `);
  t.equal((await runs('list', state)).stdout, stdout);
  t.equal((await runs('list', 'c.yaml', '--set', `where=${state}`)).stdout, stdout, 'parameters count');
  const json = JSON.parse((await runs('list', 'state', '--format', 'json')).stdout);
  t.match(json, [{ id: ids[2], status: 'complete' }, { id: ids[1] }, { id: ids[0] }]);
});

t.test('show: the last one, and others by how their ids begin', async (t) => {
  const { runs } = await project(t);
  const last = await runs('show', 'c.yaml');
  t.match(last, { code: 0, stderr: '' });
  t.match(
    last.stdout,
    `nightly: complete in 65 min; everything was published\n\n  run            ${ids[2]}\n`,
  );
  t.equal((await runs('show', 'state', 'last')).stdout, last.stdout);
  t.match(
    (await runs('show', 'state', '20261123')).stdout,
    /failed after 65 min, exit code 4\n[\s\S]*\n {2}too many rejected\n/,
  );
  t.match(
    JSON.parse((await runs('show', 'state', ids[0], '--format=json')).stdout),
    recordOf({ id: ids[0], startedAt: '2026-11-22T02:00:00.000Z' }),
  );
});

t.test('a run whose process is gone was killed; that of another machine is believed', async (t) => {
  const { pid } = spawnSync(process.execPath, ['--version']);
  const running = { status: 'running', exitCode: null, endedAt: null } as const;
  const cases = [
    [{ pid, host: hostname() }, 'killed'],
    [{ pid: process.pid, host: hostname() }, 'running'],
    [{ pid, host: 'another' }, 'running'],
  ] as const;
  for (const [process, status] of cases) {
    const { runs } = await project(t, { ...running, process });
    t.match((await runs('list', 'state')).stdout.split('\n')[1], new RegExp(` ${status} +- `));
    t.equal(JSON.parse((await runs('show', 'state', '--format', 'json')).stdout).status, status);
  }
});

t.test('a damaged record is told', async (t) => {
  const { runs, state } = await project(t);
  await writeFile(recordPath(state, ids[1]), '{"format": 1, "id": ');
  const { code, stdout, stderr } = await runs('list', 'state');
  t.equal(code, 0);
  t.equal(stdout.trimEnd().split('\n').length, 3);
  t.match(stderr, /^note: state\/runs\/20261123T020000Z-bbbb\.json is damaged, and left out: .*JSON.*\n$/);
});

t.test('what cannot be shown', async (t) => {
  const { runs, folder } = await project(t);
  const wrong: readonly [args: string[], code: number, message: RegExp][] = [
    [['show', 'state', '2027'], 2, /^there is no run "2027" \(the last ones: 20261124T020000Z-1f3a, /],
    [
      ['show', 'state', '2026'],
      2,
      /^"2026" may be one of 3 runs, from 20261122T.* to 20261124T.*: give more of the id\n$/,
    ],
    [
      ['list', 'stateless.yaml'],
      2,
      /^stateless\.yaml: it has no state_dir, so nothing is remembered of its runs\n$/,
    ],
    [['list', 'none'], 2, /^none: there is no such file/],
    [['show', folder], 1, /^no runs yet in /],
    [['lst', 'state'], 2, /^there is no command "runs lst", did you mean "list"\?/],
    [['show'], 2, /^an argument is missing: nag-pipeline runs show <config>/],
    [['list', 'state', 'x'], 2, /^unexpected argument "x"/],
    [[], 2, /^a command is missing: nag-pipeline runs <list\|show>/],
    [['list', 'state', '--format', 'mermaid'], 2, /^--format "mermaid": expected one of text, json/],
  ];
  for (const [args, code, message] of wrong) {
    const result = await runs(...args);
    t.strictSame([result.code, result.stdout], [code, ''], args.join(' '));
    t.match(result.stderr, message);
  }
  const empty = await runs('list', folder);
  t.strictSame(empty, { code: 0, signal: null, stdout: `no runs yet in ${folder}\n`, stderr: '' });
  t.strictSame(JSON.parse((await runs('list', folder, '--format', 'json')).stdout), []);
});
