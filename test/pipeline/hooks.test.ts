import { spawnSync } from 'node:child_process';
import t from 'tap';
import { type HookFacts, runHook } from '../../pipeline/hooks.js';

const facts: HookFacts = {
  run: '20261124T020000Z-1f3a',
  name: 'nightly',
  status: 'failed',
  exitCode: 4,
  error: 'too many\nrejected\0',
  record: '/state/runs/x.json',
  manifest: undefined,
};

async function hook(command: string, more: Partial<HookFacts> = {}, limitMs?: number) {
  const lines: string[] = [];
  const notes: string[] = [];
  await runHook(
    command,
    { ...facts, ...more },
    {
      line: (text) => lines.push(text),
      note: (text) => notes.push(text),
      ...(limitMs === undefined ? {} : { limitMs }),
    },
  );
  return { lines: lines.sort(), notes };
}

t.test('it knows the run from its environment; what it writes is passed on', async (t) => {
  const { lines, notes } = await hook(
    'set -u; for v in RUN NAME STATUS EXIT_CODE RECORD MANIFEST ERROR; do eval "echo $v=\\"\\$NAG_$v\\""; done; printf unended >&2',
  );
  t.strictSame(notes, []);
  t.strictSame(
    lines,
    [
      'RUN=20261124T020000Z-1f3a',
      'NAME=nightly',
      'STATUS=failed',
      'EXIT_CODE=4',
      'RECORD=/state/runs/x.json',
      'MANIFEST=',
      'ERROR=too many',
      'rejected',
      'unended',
    ].sort(),
  );
});

t.test('a hook that fails is a note', async (t) => {
  t.strictSame(await hook('exit 3'), { lines: [], notes: ['the hook "exit 3" failed with exit code 3'] });
  t.match(await hook('/no/such/program'), { notes: [/failed with exit code 127$/] });
  t.strictSame((await hook('kill -9 $$')).notes, ['the hook "kill -9 $$" was ended by SIGKILL']);
  t.match(await hook('echo \0'), { notes: [/^the hook ".*" cannot start: /] });
});

t.test('a message of any length', async (t) => {
  const { lines, notes } = await hook('printf %s "$NAG_ERROR" | wc -c', { error: 'x'.repeat(1_000_000) });
  t.strictSame([lines.map(Number), notes], [[8000], []]);
  t.strictSame((await hook('echo "<$NAG_ERROR>"', { error: null })).lines, ['<>']);
});

t.test('after its time it is killed, with all that it started', async (t) => {
  const command = 'sleep 1000 & echo $!; wait';
  const { lines, notes } = await hook(command, {}, 300);
  t.strictSame(notes, [`the hook "${command}" took longer than 0.3 s and was killed`]);
  await gone(Number(lines[0]));
  t.pass('the child of the hook is gone');
});

t.test('what it leaves in the background is not waited for', async (t) => {
  const { lines, notes } = await hook('sleep 1000 & echo $!');
  t.strictSame(notes, []);
  const pid = Number(lines[0]);
  t.ok(process.kill(pid, 0), 'it goes on');
  process.kill(pid, 'SIGKILL');
});

/** Waits until there is no such process; one that nobody has asked about is there a little longer. */
async function gone(pid: number): Promise<void> {
  while (isThere(pid)) await new Promise((resolve) => setTimeout(resolve, 20));
}

function isThere(pid: number): boolean {
  const { status, stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' });
  return status === 0 && !stdout.startsWith('Z');
}
