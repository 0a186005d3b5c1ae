import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import {
  arrangePieces,
  coveredBy,
  parsePieceName,
  pieceName,
  sweepStore,
} from '../../../pipeline/store/pieces.js';

const key = `${'a'.repeat(32)}-0-all`;
const other = `${'b'.repeat(32)}-100-50`;
const name = (from: number, to: number, of = key, crc = '0123abcd') => pieceName({ key: of, from, to, crc });

t.test('a name says what is in it', async (t) => {
  for (const to of [12, Infinity])
    t.strictSame(parsePieceName(name(5, to)), { name: name(5, to), key, from: 5, to, crc: '0123abcd' });
  for (const strange of ['making.json', '.tmp-1-0123abcd', `${key}.arrow`, `${key}.0-5.0123abcd.json`])
    t.equal(parsePieceName(strange), undefined, strange);
});

t.test('pieces that follow one another count, from the first row on', async (t) => {
  const names = [
    name(9, Infinity),
    name(0, 4),
    name(4, 9),
    name(4, 6),
    name(0, 50, other),
    name(60, 70, other),
  ];
  const { kept, leftOver } = arrangePieces(names);
  t.strictSame(
    kept.get(key)?.map(({ from, to }) => [from, to]),
    [
      [0, 4],
      [4, 9],
      [9, Infinity],
    ],
  );
  t.equal(coveredBy(kept.get(key)!), Infinity);
  t.equal(coveredBy(kept.get(other)!), 50);
  t.equal(coveredBy([]), 0);
  t.strictSame(leftOver.map((piece) => piece.name).sort(), [name(4, 6), name(60, 70, other)].sort());
  t.equal(arrangePieces([name(3, 9)]).kept.size, 0, 'nothing is known of the rows before');
});

t.test('what dead runs left is swept, and nothing else', async (t) => {
  const stays = [name(0, 4), name(0, 4).replace('.arrow', '.json'), 'making.json'];
  const goes = [
    name(2, 4),
    '.piece.tmp-0123abcd-12-0123abcd0',
    '.files.json.tmp-0123abcd-12-0123abcd1',
    name(4, 9).replace('.arrow', '.json'),
  ];
  const dir = t.testdir({ inside: {} });
  for (const own of [...stays, ...goes]) await writeFile(join(dir, 'inside', own), '');
  await writeFile(join(dir, '.piece.tmp-0123abcd-7-0123abcd0'), '');
  await sweepStore(dir);
  t.strictSame(await readdir(dir), ['inside']);
  t.strictSame((await readdir(join(dir, 'inside'))).sort(), stays.sort());
  await t.resolves(sweepStore(join(dir, 'missing')));
});
