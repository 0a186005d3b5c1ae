import { readlinkSync } from 'node:fs';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Int32 } from 'apache-arrow';
import t from 'tap';
import {
  isIntact,
  PieceWriter,
  pieceSchema,
  readPiece,
  readRemarks,
} from '../../../pipeline/store/piece-file.js';
import { remarksPath } from '../../../pipeline/store/pieces.js';
import { cells, recordBatch } from '../../fixtures/engine.js';

const rows = { key: `${'a'.repeat(32)}-0-all`, from: 0, to: 3 };
const batch = recordBatch({ n: [new Int32(), [1, 2, 3]] });
const { signal } = new AbortController();

t.test('a piece, and what is remembered with it', async (t) => {
  const dir = t.testdir();
  const writer = await PieceWriter.open(dir);
  await writer.write(batch);
  t.ok((await readdir(dir)).every((name) => name.startsWith('.piece.tmp-')));
  const piece = await writer.finish(rows, [{ row: 2, reason: 'no text' }]);
  t.strictSame((await readdir(dir)).sort(), [piece.name, piece.name.replace('.arrow', '.json')]);
  t.ok(await isIntact(dir, piece, signal));
  t.strictSame(await readRemarks(dir, piece), [{ row: 2, reason: 'no text' }]);
  const read = [];
  for await (const own of readPiece(join(dir, piece.name))) read.push(own);
  t.strictSame(cells(read, 'n'), [1, 2, 3]);
});

t.test('a flipped bit is noticed wherever it is, in what is remembered too', async (t) => {
  const dir = t.testdir();
  const writer = await PieceWriter.open(dir);
  await writer.write(batch);
  const piece = await writer.finish(rows, ['a remark']);
  const beside = remarksPath(join(dir, piece.name));
  for (const path of [join(dir, piece.name), beside]) {
    const bytes = await readFile(path);
    for (let at = 0; at < bytes.length; at += path === beside ? 1 : 10) {
      await writeFile(path, bytes.with(at, bytes[at]! ^ (1 << (at % 8))));
      if (await isIntact(dir, piece, signal)) t.fail(`byte ${at} of ${path}`);
    }
    await writeFile(path, bytes.subarray(0, -1));
    t.notOk(await isIntact(dir, piece, signal), 'cut');
    await writeFile(path, bytes);
  }
  t.ok(await isIntact(dir, piece, signal));
  await rm(beside);
  t.notOk(await isIntact(dir, piece, signal), 'the remarks are gone');
});

t.test(
  'to ask for the columns leaves no file open',
  { skip: process.platform !== 'linux' && 'NOT RUN: needs /proc' },
  async (t) => {
    const dir = t.testdir();
    const writer = await PieceWriter.open(dir);
    await writer.write(batch);
    const path = join(dir, (await writer.finish(rows, [])).name);
    t.strictSame(
      (await pieceSchema(path)).fields.map(({ name }) => name),
      ['n'],
    );
    const open = (await readdir('/proc/self/fd')).filter((fd) => target(`/proc/self/fd/${fd}`) === path);
    t.strictSame(open, []);
  },
);

/** Where a link leads; of one that is gone by now, nowhere. */
function target(link: string): string | undefined {
  try {
    return readlinkSync(link);
  } catch {
    return undefined;
  }
}

t.test('nothing is left of a piece that is abandoned', async (t) => {
  const dir = t.testdir();
  const writer = await PieceWriter.open(dir);
  await writer.write(batch);
  await writer.abandon();
  t.strictSame(await readdir(dir), []);
});

t.test('a folder that cannot be written to is named', async (t) => {
  const dir = join(t.testdir(), 'missing');
  await t.rejects(PieceWriter.open(dir), {
    name: 'DataError',
    message: /missing: cannot be written to: ENOENT/,
  });
});
