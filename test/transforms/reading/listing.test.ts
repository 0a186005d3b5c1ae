import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { listFiles } from '../../../transforms/reading/listing.js';

const dir = t.testdir({
  pool: {
    'part-10.parquet': '',
    'part-9.parquet': '',
    'b.PARQUET': '',
    _SUCCESS: '',
    '.part-1.parquet.tmp': '',
    '.hidden.parquet': '',
    deep: { 'part-1.parquet': '' },
    '_day=1': { 'part-2.parquet': '' },
    _temporary: { 'part-3.parquet': '' },
    '.hidden': { 'part-4.parquet': '' },
    'large.parquet': { 'part-00001.parquet': '', 'part-00000.parquet': '', _SUCCESS: '' },
  },
  'run [1] (x)': { 'a.jsonl': '', 'b.jsonl.gz': '', 'c[2].jsonl': '', 'd.json': '' },
  other: { 'a.txt': '' },
  empty: {},
  link: t.fixture('symlink', 'other/a.txt'),
});
const list = async (paths: string | string[], ...extensions: string[]) => {
  const absolute = [paths].flat().map((path) => join(dir, path));
  const files = await listFiles(absolute, extensions.length > 0 ? extensions : ['.parquet']);
  return files.map((file) => file.slice(dir.length + 1));
};

t.test(
  'globs give files in the order of their names, and folders named like files as their parts',
  async (t) => {
    const parts = ['pool/large.parquet/part-00000.parquet', 'pool/large.parquet/part-00001.parquet'];
    t.same(await list('pool/*.parquet'), [...parts, 'pool/part-10.parquet', 'pool/part-9.parquet']);
    t.same(await list('pool/**/part-1.parquet'), ['pool/deep/part-1.parquet']);
    t.same(await list('pool/part-{9,10}.parquet'), ['pool/part-10.parquet', 'pool/part-9.parquet']);
  },
);

t.test('a folder stands for the data files in it and below it', async (t) => {
  t.same(await list('pool/large.parquet'), [
    'pool/large.parquet/part-00000.parquet',
    'pool/large.parquet/part-00001.parquet',
  ]);
  t.same(await list('pool'), [
    'pool/_day=1/part-2.parquet',
    'pool/deep/part-1.parquet',
    'pool/large.parquet/part-00000.parquet',
    'pool/large.parquet/part-00001.parquet',
    'pool/part-10.parquet',
    'pool/part-9.parquet',
  ]);
});

t.test('several paths: each file once, in the order of names', async (t) => {
  t.same(await list(['pool/part-9.parquet', 'pool/part-*.parquet', 'pool/part-10.parquet']), [
    'pool/part-10.parquet',
    'pool/part-9.parquet',
  ]);
});

t.test('names with brackets and parentheses', async (t) => {
  const extensions = ['.jsonl', '.jsonl.gz'];
  t.same(await list('run [1] (x)/*.jsonl', ...extensions), ['run [1] (x)/a.jsonl', 'run [1] (x)/c[2].jsonl']);
  t.same(await list('run [1] (x)/c[2].jsonl', ...extensions), ['run [1] (x)/c[2].jsonl']);
  t.same(await list('run [1] (x)', ...extensions), [
    'run [1] (x)/a.jsonl',
    'run [1] (x)/b.jsonl.gz',
    'run [1] (x)/c[2].jsonl',
  ]);
});

t.test('links are followed; a path to a file is taken whatever its name', async (t) => {
  t.same(await list('link'), ['link']);
  t.same(await list('li*'), ['link']);
  t.same(await list('other/none.parquet'), ['other/none.parquet'], 'opening it says that it is not there');
});

t.test('what names no file', async (t) => {
  await t.rejects(list('pool/*.jsonl'), { message: /pool\/\*\.jsonl: no file matches/ });
  await t.rejects(list('nowhere/*/x[1].parquet'), { message: /no file matches/ });
  await t.rejects(list('pool/d*'), { message: /no file matches/ }, 'a folder that a glob meets');
  await t.rejects(list('empty'), {
    message: /empty: is a folder in which no name ends in \.parquet, nor further down$/,
  });
});

t.test('a link that leads nowhere is a file that is missed', async (t) => {
  const dir = t.testdir({
    'a.parquet': '',
    'gone.parquet': t.fixture('symlink', 'nowhere'),
    'itself.parquet': t.fixture('symlink', 'itself.parquet'),
    'gone.txt': t.fixture('symlink', 'nowhere'),
  });
  const names = ['a.parquet', 'gone.parquet', 'itself.parquet'].map((name) => join(dir, name));
  t.same(await listFiles(join(dir, '*.parquet'), ['.parquet']), names);
  t.same(await listFiles(dir, ['.parquet']), names);
});

t.test('what links lead to twice is read once', async (t) => {
  const dir = t.testdir({
    pool: { 'a.parquet': '' },
    loop: t.fixture('symlink', '.'),
    alias: t.fixture('symlink', 'pool'),
    'b.parquet': t.fixture('symlink', 'pool/a.parquet'),
  });
  const found = await listFiles(join(dir, '**/*.parquet'), ['.parquet']);
  t.same(
    found,
    ['b.parquet', 'pool/a.parquet'].map((name) => join(dir, name)),
    'folders by one name; files may have two',
  );
});

t.test(
  'a folder that may not be read is no empty folder',
  process.getuid?.() === 0 ? { skip: 'NOT RUN: root may read anything' } : {},
  async (t) => {
    const dir = t.testdir({ pool: { 'a.parquet': '', locked: { 'b.parquet': '' } } });
    await chmod(join(dir, 'pool', 'locked'), 0);
    t.teardown(() => chmod(join(dir, 'pool', 'locked'), 0o755));
    const message = new RegExp(`^${join(dir, 'pool', 'locked')}/?: cannot be listed: permission denied`);
    await t.rejects(listFiles(join(dir, 'pool/**/*.parquet'), ['.parquet']), { name: 'DataError', message });
  },
);
