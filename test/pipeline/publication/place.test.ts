import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { outputPlace, realPlace } from '../../../pipeline/publication/place.js';

t.test('an output is where its path leads to', async (t) => {
  const dir = realpathSync(t.testdir({ disk: { 'a.jsonl': 'old' }, folder: {} }));
  const at = (name: string) => join(dir, name);
  symlinkSync('disk/a.jsonl', at('latest'));
  symlinkSync('latest', at('again'));
  symlinkSync('disk/not-yet', at('dangling'));
  symlinkSync('folder', at('link'));
  const names = ['disk/a.jsonl', 'latest', 'again', 'dangling', 'link', 'new/x', 'link/new/x'];
  const places = await Promise.all(names.map((name) => realPlace(at(name))));
  t.strictSame(
    places.map((place) => place.slice(dir.length + 1)),
    ['disk/a.jsonl', 'disk/a.jsonl', 'disk/a.jsonl', 'disk/not-yet', 'folder', 'new/x', 'folder/new/x'],
  );
});

t.test('a link that publication made is not followed', async (t) => {
  const dir = realpathSync(t.testdir({ '.nag-01234567': { 1: { out: 'old' } } }));
  symlinkSync('1', join(dir, '.nag-01234567', 'current'));
  symlinkSync('.nag-01234567/current/out', join(dir, 'out'));
  symlinkSync('out', join(dir, 'mine'));
  t.strictSame(await Promise.all(['out', 'mine'].map((name) => outputPlace(join(dir, name)))), [
    join(dir, 'out'),
    join(dir, 'out'),
  ]);
});

t.test('what is no file, and links without an end', async (t) => {
  // The path of a socket may have about a hundred characters.
  const dir = mkdtempSync(join(tmpdir(), 'nag-'));
  t.teardown(() => rmSync(dir, { recursive: true }));
  const at = (name: string) => join(dir, name);
  execFileSync('mkfifo', [at('pipe')]);
  symlinkSync('pipe', at('to-pipe'));
  symlinkSync('self', at('self'));
  symlinkSync('/dev/null', at('null'));
  symlinkSync('/proc/self/fd/1', at('stdout'));
  mkdirSync(at('folder'));
  const server = createServer().listen(at('socket'));
  await new Promise((resolve) => server.once('listening', resolve));
  const names = ['pipe', 'to-pipe', 'self', 'null', 'socket', 'stdout'];
  const told = await Promise.all(
    names.map((name) => outputPlace(at(name)).catch(({ message }: Error) => message.slice(dir.length + 1))),
  );
  server.close();
  const file = 'not a regular file, and outputs are put in place as files';
  const remedy = 'write a file, and read it when the run has succeeded';
  t.strictSame(told, [
    `pipe: is a FIFO, ${file}: ${remedy}`,
    `to-pipe: is a FIFO, ${file}: ${remedy}`,
    'self: is a link that leads to itself: remove it',
    `null: is a device, ${file}: ${remedy}`,
    `socket: is a socket, ${file}: ${remedy}`,
    `stdout: leads to a stream that this program has open, and an output is a file: ${remedy}`,
  ]);
});
