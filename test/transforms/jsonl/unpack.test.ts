import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import t, { type Test } from 'tap';
import { readLines } from '../../../transforms/jsonl/lines.js';
import { projectRoot } from '../../fixtures/paths.js';

const golden = join(projectRoot, 'test', 'golden', 'zstd');

/** How many lines a file has, and the last; or why it cannot be read to its end, and the lines before. */
async function read(file: string): Promise<[number, string]> {
  let [count, last] = [0, ''];
  try {
    for await (const { bytes } of readLines(file)) [count, last] = [count + 1, bytes.toString()];
  } catch (error) {
    last = String(error).replace(/^DataError: .*\//, '');
  }
  return [count, last];
}

async function readBytes(t: Test, bytes: Buffer, name = 'a.jsonl'): Promise<[number, string]> {
  const file = join(t.testdir({}), name);
  await writeFile(file, bytes);
  return await read(file);
}

const lastLine = '{"docid": "d399", "doc": "399 \\u00e9"}';

t.test('Zstandard of several frames, skippable ones, no size, long windows', async (t) => {
  const names = ['frames', 'skippable', 'empty-frames', 'stream', 'long-27', 'repeated', 'empty', 'long-31'];
  const found = [];
  for (const name of names) found.push([name, ...(await read(join(golden, `${name}.jsonl.zst`)))]);
  t.strictSame(found, [
    ['frames', 400, lastLine],
    ['skippable', 400, lastLine],
    ['empty-frames', 400, lastLine],
    ['stream', 400, lastLine],
    ['long-27', 400, lastLine],
    ['repeated', 2, '{"docid": "d0"}'],
    ['empty', 0, ''],
    [
      'long-31',
      0,
      'long-31.jsonl.zst: is compressed with a window of 2048 MB (zstd --long or --ultra), above 128 MB: unpack it with zstd -d --long=31, or compress it again without --long',
    ],
  ]);
});

t.test('what the data are is seen by their content, not by the name', async (t) => {
  const frames = await readFile(join(golden, 'frames.jsonl.zst'));
  const zipped = gzipSync('{"a": 1}\n');
  t.strictSame(await readBytes(t, frames, 'pool.jsonl'), [400, lastLine]);
  t.strictSame(await readBytes(t, frames, 'pool.jsonl.gz'), [400, lastLine]);
  t.strictSame(await readBytes(t, zipped, 'pool.jsonl.zst'), [1, '{"a": 1}']);
  t.strictSame(await readBytes(t, Buffer.alloc(0), 'pool.jsonl'), [0, '']);
  t.match(await readBytes(t, Buffer.alloc(0), 'pool.jsonl.zst'), [0, /is truncated$/]);
  t.match(await readBytes(t, Buffer.alloc(0), 'pool.jsonl.gz'), [0, /is truncated$/]);
  t.match(await readBytes(t, Buffer.from('{"a": 1}'), 'pool.jsonl.zst'), [
    0,
    /^pool\.jsonl\.zst: is not valid Zstandard/,
  ]);
  const members = Buffer.concat(['', '{"a": 1}\n', '', '{"a": 2}\n', ''].map((text) => gzipSync(text)));
  t.strictSame(await readBytes(t, members), [2, '{"a": 2}'], 'empty members of gzip');
});

t.test('damage is found, and what comes before is read', async (t) => {
  const frames = await readFile(join(golden, 'frames.jsonl.zst'));
  const changed = (at: number, bit: number) => {
    const copy = Buffer.from(frames);
    copy[copy.length + at]! ^= bit;
    return copy;
  };
  const cases: [Buffer, RegExp][] = [
    [frames.subarray(0, -1), /is truncated$/],
    [frames.subarray(0, -40), /is truncated$/],
    [changed(-1, 1), /is not valid Zstandard data: a checksum differs$/],
    [
      Buffer.concat([frames, Buffer.from('more')]),
      /is not valid Zstandard data: what follows its frames is none$/,
    ],
    [Buffer.concat([frames, frames.subarray(0, 3)]), /is truncated$/],
  ];
  const found = [];
  for (const [bytes] of cases) found.push(await readBytes(t, bytes));
  t.match(
    found,
    cases.map(([, message]) => [Number, message]),
  );
  t.strictSame(
    found.map(([count]) => count >= 300),
    cases.map(() => true),
  );
});

t.test('files of other kinds are named', async (t) => {
  const cases: [string, RegExp][] = [
    ['BZh91AY&SY', /is compressed with bzip2, which is not read: unpack it \(bzip2 -d\)/],
    ['\xfd7zXZ\x00\x00', /is compressed with xz, /],
    ['\x04\x22\x4d\x18', /is compressed with LZ4, /],
    ['PK\x03\x04', /is a zip archive/],
    ['PAR1\x15', /is a Parquet file: use read\.parquet$/],
    ['ARROW1\x00\x00', /is an Arrow IPC \(Feather\) file/],
    ['\xff\xfe{\x00', /is UTF-16 text/],
    ['version https://git-lfs.github.com/spec/v1\n', /is a Git LFS pointer/],
  ];
  const found = [];
  for (const [head] of cases) found.push((await readBytes(t, Buffer.from(head, 'latin1')))[1]);
  t.match(
    found,
    cases.map(([, message]) => message),
  );
});
