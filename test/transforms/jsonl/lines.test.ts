import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { readLines } from '../../../transforms/jsonl/lines.js';

const dir = t.testdir({ folder: {} });

async function lines(content: string | Buffer, name = 'a.jsonl'): Promise<[number, string][]> {
  await writeFile(join(dir, name), content);
  const found: [number, string][] = [];
  for await (const { bytes, number } of readLines(join(dir, name))) found.push([number, bytes.toString()]);
  return found;
}

t.test('lines and their numbers', async (t) => {
  const cases: [string, string, [number, string][]][] = [
    [
      'no end',
      'a\nb',
      [
        [1, 'a'],
        [2, 'b'],
      ],
    ],
    [
      'an end',
      'a\nb\n',
      [
        [1, 'a'],
        [2, 'b'],
      ],
    ],
    [
      'blank lines',
      '\n a\n\n \t\r\nb\n\n',
      [
        [2, ' a'],
        [5, 'b'],
      ],
    ],
    [
      'CRLF',
      'a\r\n\r\nb\r\n',
      [
        [1, 'a\r'],
        [3, 'b\r'],
      ],
    ],
    [
      'a mark',
      '\ufeffa\n\ufeffb',
      [
        [1, 'a'],
        [2, '\ufeffb'],
      ],
    ],
    ['a mark alone', '\ufeff\na', [[2, 'a']]],
    ['nothing', '', []],
    ['other separators are text', 'a\u2028b\u0085c\vd\n', [[1, 'a\u2028b\u0085c\vd']]],
  ];
  for (const [name, content, expected] of cases) {
    t.same(await lines(content), expected, name);
    t.same(await lines(gzipSync(content), 'a.jsonl.gz'), expected, `${name}, compressed`);
  }
});

t.test('lines longer than what is read at once', async (t) => {
  const long = ['x'.repeat(300_000), 'é'.repeat(400_000), '', 'y'.repeat(262_144), 'z'];
  t.same(
    (await lines(long.join('\n'))).map(([, line]) => line),
    long.filter((line) => line !== ''),
  );
});

t.test('compressed files: several members, and any name', async (t) => {
  const members = Buffer.concat([gzipSync('a\nb'), gzipSync('c\nd\n'), gzipSync('e')]);
  const expected = [
    [1, 'a'],
    [2, 'bc'],
    [3, 'd'],
    [4, 'e'],
  ];
  t.same(await lines(members, 'b.jsonl.gz'), expected);
  t.same(await lines(members, 'b.jsonl'), expected);
  await t.rejects(lines('', 'c.jsonl.gz'), { message: /truncated/ });
});

t.test('whoever stops reading lets go of the file', async (t) => {
  for (const [name, content] of [
    ['d.jsonl', 'a\n'.repeat(1e6)],
    ['d.jsonl.gz', gzipSync('a\n'.repeat(1e6))],
  ] as const) {
    await writeFile(join(dir, name), content);
    for await (const { number } of readLines(join(dir, name))) if (number === 3) break;
  }
  t.pass('and the process can end');
});

t.test('damage', async (t) => {
  const whole = gzipSync(Array.from({ length: 5000 }, (_, i) => `line ${i * i}`).join('\n'));
  const damaged = Buffer.from(whole);
  damaged.fill(0x55, 2000, 2100);
  await t.rejects(lines(whole.subarray(0, 3000), 'e.jsonl.gz'), {
    message: `${dir}/e.jsonl.gz: ends in the middle of its compressed data: it is truncated`,
  });
  await t.rejects(lines(damaged, 'e.jsonl.gz'), {
    message: /e\.jsonl\.gz: (is not valid gzip data|cannot be read)/,
  });
  await t.rejects(lines('{}', 'e.jsonl.gz'), { message: /e\.jsonl\.gz: is not valid gzip data$/ });
  const read = async (name: string) => {
    for await (const _ of readLines(join(dir, name)));
  };
  await t.rejects(read('none.jsonl'), { message: `${dir}/none.jsonl: does not exist` });
  await t.rejects(read('none.jsonl.gz'), { message: `${dir}/none.jsonl.gz: does not exist` });
  await t.rejects(read('folder'), { message: `${dir}/folder: is a folder; expected a file of JSON lines` });
});

t.test('lines before damage come first', async (t) => {
  await writeFile(join(dir, 'f.jsonl.gz'), gzipSync('a\nb\n'));
  await appendFile(join(dir, 'f.jsonl.gz'), gzipSync('c\n'.repeat(1e5)).subarray(0, 30));
  const seen: string[] = [];
  const reading = (async () => {
    for await (const { bytes } of readLines(join(dir, 'f.jsonl.gz'))) seen.push(bytes.toString());
  })();
  await t.rejects(reading, { message: /truncated/ });
  t.same(seen.slice(0, 2), ['a', 'b']);
});
