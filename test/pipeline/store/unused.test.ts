import { readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { pieceName } from '../../../pipeline/store/pieces.js';
import { markUsed, removeUnused } from '../../../pipeline/store/unused.js';

const day = 86_400_000;
const daysAgo = (days: number) => new Date(Date.now() - days * day);
const piece = (letter: string, from: number, to: number) =>
  pieceName({ key: `${letter.repeat(32)}-0-all`, from, to, crc: '0123abcd' });

async function age(file: string, days: number): Promise<void> {
  await utimes(file, daysAgo(days), daysAgo(days));
}

t.test('bundles that no run has used go, with what lies beside them; others stay whole', async (t) => {
  const [gone, goneEnd, kept, keptEnd] = [
    piece('a', 0, 5),
    piece('a', 5, Infinity),
    piece('b', 0, 5),
    piece('b', 5, Infinity),
  ];
  const dir = t.testdir({
    one: {
      'making.json': '[]',
      [gone]: '12345',
      [gone.replace('.arrow', '.json')]: '[]',
      [goneEnd]: '123',
      [kept]: '1',
      [keptEnd]: '2',
    },
    'files.json': '{}',
    'last-extract.txt': '',
  });
  for (const name of [gone, goneEnd, kept]) await age(join(dir, 'one', name), 40);
  await age(join(dir, 'one', keptEnd), 20);
  t.equal(await removeUnused(dir, daysAgo(30)), 8);
  t.same((await readdir(join(dir, 'one'))).sort(), [kept, keptEnd, 'making.json']);
  t.same((await readdir(dir)).sort(), ['files.json', 'last-extract.txt', 'one']);
  t.equal(await removeUnused(dir, daysAgo(30)), 0);
});

t.test('what was used counts as new', async (t) => {
  const dir = t.testdir({ one: { 'making.json': '[]', [piece('a', 0, Infinity)]: '1' } });
  const file = join(dir, 'one', piece('a', 0, Infinity));
  await age(file, 40);
  await markUsed(file);
  t.equal(await removeUnused(dir, daysAgo(30)), 0);
  await markUsed(join(dir, 'gone'));
});

t.test('a folder without pieces goes; one with anything else stays', async (t) => {
  const old = piece('a', 0, Infinity);
  const dir = t.testdir({
    emptied: { 'making.json': '[]', [old]: '1' },
    other: { 'making.json': '[]', [old]: '1', 'notes.txt': 'mine' },
    fresh: { 'making.json': '[]' },
  });
  for (const folder of ['emptied', 'other']) await age(join(dir, folder, old), 40);
  t.equal(await removeUnused(dir, daysAgo(30)), 2);
  t.same((await readdir(dir)).sort(), ['fresh', 'other']);
  t.equal(await removeUnused(join(dir, 'none'), daysAgo(30)), 0, 'no folder yet');
  await writeFile(join(dir, 'file'), '');
  t.equal(await removeUnused(dir, daysAgo(0)), 0);
});
