import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { readSafetensorsHeader } from '../../../transforms/backbone/safetensors.js';

const entry = (dtype: string, shape: unknown, begin: unknown, end: unknown) => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});

/** A file of a header (JSON text or an object) and so many bytes of data. */
function safetensors(header: unknown, dataBytes: number, headerLength?: bigint): Buffer {
  const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(headerLength ?? BigInt(text.length));
  return Buffer.concat([prefix, text, Buffer.alloc(dataBytes)]);
}

t.test('tensors with their places in the file', async (t) => {
  const file = join(t.testdir(), 'model.safetensors');
  const header = {
    __metadata__: { format: 'pt' },
    second: entry('BF16', [2, 3], 4, 16),
    first: entry('F32', [], 0, 4),
    empty: entry('F16', [0, 7], 16, 16),
  };
  writeFileSync(file, safetensors(header, 16));
  const start = 8 + JSON.stringify(header).length;
  t.same(
    (await readSafetensorsHeader(file)).tensors,
    [
      ['second', { dtype: 'BF16', shape: [2, 3], offset: start + 4, bytes: 12 }],
      ['first', { dtype: 'F32', shape: [], offset: start, bytes: 4 }],
      ['empty', { dtype: 'F16', shape: [0, 7], offset: start + 16, bytes: 0 }],
    ].reduce((map, [name, tensor]) => map.set(name, tensor), new Map()),
  );
});

t.test('metadata that are texts, and tensors of dtypes that are not known', async (t) => {
  const file = join(t.testdir(), 'model.safetensors');
  const header = {
    __metadata__: { format: 'pt', n: 1 },
    a: entry('F4', [8], 0, 4),
    b: entry('Q4', [2], 4, 12),
  };
  writeFileSync(file, safetensors(header, 12));
  const { tensors, metadata } = await readSafetensorsHeader(file);
  t.strictSame([...metadata], [['format', 'pt']]);
  t.strictSame(
    [...tensors].map(([name, { dtype, bytes }]) => [name, dtype, bytes]),
    [
      ['a', 'F4', 4],
      ['b', 'Q4', 8],
    ],
  );
});

t.test('broken files are refused, with the file, the tensor and the numbers', async (t) => {
  const dir = t.testdir();
  const one = { a: entry('F32', [2], 0, 8) };
  const oneBytes = 8 + JSON.stringify(one).length;
  const broken: readonly [name: string, content: Buffer, message: RegExp][] = [
    ['empty', Buffer.alloc(0), /not a \.safetensors file: it has 0 bytes/],
    [
      'a page of html',
      Buffer.from('<!doctype html><p>not found'),
      /its first 8 bytes give a header of \d+ bytes/,
    ],
    [
      'a pointer of git lfs',
      Buffer.from('version https://git-lfs.github.com/spec/v1'),
      /this is a Git LFS pointer, not the file that it stands for: run "git lfs pull"/,
    ],
    ['no header', safetensors('', 0), /give a header of 0 bytes/],
    [
      'a header longer than the file',
      safetensors('{}', 0, 50n),
      /truncated: the header alone ends at byte 58, but the file has 10 bytes/,
    ],
    ['no JSON', safetensors('{"a":', 0), /its header is not valid JSON/],
    ['a list', safetensors('[]', 0), /its header is not a JSON object/],
    [
      'truncated data',
      safetensors(one, 5),
      new RegExp(`truncated: its header describes ${oneBytes + 8} bytes, but the file has ${oneBytes + 5}`),
    ],
    ['data too long', safetensors(one, 9), /too long: its header describes/],
    ['no dtype', safetensors({ a: { shape: [2], data_offsets: [0, 8] } }, 8), /tensor "a": expected a dtype/],
    [
      'a negative extent',
      safetensors({ a: entry('F32', [-2], 0, 8) }, 8),
      /tensor "a": expected a shape, found \[-2\]/,
    ],
    [
      'an extent that is no number',
      safetensors({ a: entry('F32', ['2'], 0, 8) }, 8),
      /tensor "a": expected a shape/,
    ],
    [
      'offsets turned round',
      safetensors({ a: entry('F32', [2], 8, 0) }, 8),
      /tensor "a": expected data_offsets \[begin, end\]/,
    ],
    ['no offsets', safetensors({ a: { dtype: 'F32', shape: [2] } }, 8), /tensor "a": expected data_offsets/],
    ['an entry that is none', safetensors({ a: 1 }, 0), /tensor "a": its header entry is not an object/],
    [
      'a shape of another length',
      safetensors({ a: entry('F32', [3], 0, 8) }, 8),
      /F32 \[3\] takes 12 bytes, but its data_offsets span 8/,
    ],
    [
      'an overlap',
      safetensors({ a: entry('F32', [2], 0, 8), b: entry('F32', [1], 4, 8) }, 8),
      /tensor "b" overlaps the tensor before it/,
    ],
    ['a gap', safetensors({ a: entry('F32', [1], 4, 8) }, 8), /tensor "a" leaves a gap before it/],
  ];
  for (const [name, content, message] of broken) {
    const file = join(dir, 'broken.safetensors');
    writeFileSync(file, content);
    await t.rejects(readSafetensorsHeader(file), { name: 'DataError', message, place: { file } }, name);
  }
});

t.test('a file that is not there', async (t) => {
  const file = join(t.testdir(), 'none.safetensors');
  await t.rejects(readSafetensorsHeader(file), {
    name: 'DataError',
    message: /cannot be opened/,
    place: { file },
  });
});
