import { existsSync, readdirSync, readFileSync, readlinkSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { publishAll } from '../../../pipeline/publication/publish.js';
import { makeStagingFolder } from '../../../pipeline/publication/staging.js';

const publish = (temporary: string, final: string) => publishAll([{ temporary, final }], { together: false });

t.test('a staging folder is a hidden sibling; missing parents are made', async (t) => {
  const dir = t.testdir();
  const staging = await makeStagingFolder(join(dir, 'a', 'b', 'out.parquet'));
  t.match(staging, new RegExp(`/a/b/\\.out\\.parquet\\.tmp-[0-9a-f]{8}-${process.pid}-[0-9a-f]{9,}$`));
  t.same(readdirSync(staging), []);
  t.not(await makeStagingFolder(join(dir, 'a', 'b', 'out.parquet')), staging, 'each its own');
});

const fresh = { file: 'new', folder: { 'part-00000.parquet': 'new' } };
const old = {
  nothing: undefined,
  file: 'old',
  folder: { 'part-00000.parquet': 'old', 'part-00001.parquet': 'old' },
};

for (const [kind, content] of Object.entries(fresh)) {
  for (const [oldKind, oldContent] of Object.entries(old)) {
    t.test(`a ${kind} replaces ${oldKind}`, async (t) => {
      const dir = t.testdir({ temporary: content, ...(oldContent && { final: oldContent }) });
      await publish(join(dir, 'temporary'), join(dir, 'final'));
      t.same(readdirSync(dir), ['final'], 'nothing else is left');
      const file = kind === 'file' ? join(dir, 'final') : join(dir, 'final', 'part-00000.parquet');
      t.equal(readFileSync(file, 'utf8'), 'new');
      if (kind === 'folder') t.same(readdirSync(join(dir, 'final')), ['part-00000.parquet']);
    });
  }
}

t.test('a link stays, and what it leads to is replaced', async (t) => {
  const dir = t.testdir({ temporary: 'new', target: 'old' });
  symlinkSync('target', join(dir, 'final'));
  await publish(join(dir, 'temporary'), join(dir, 'final'));
  t.equal(readlinkSync(join(dir, 'final')), 'target');
  t.equal(readFileSync(join(dir, 'target'), 'utf8'), 'new');
});

t.test('a folder that holds other things is never replaced', async (t) => {
  const dir = t.testdir({
    temporary: 'new',
    final: { 'part-00000.parquet': 'old', 'thesis.txt': 'years of work' },
  });
  const refusal = { name: 'DataError', message: /final: is a folder that holds other things.*"thesis\.txt"/ };
  await t.rejects(makeStagingFolder(join(dir, 'final')), refusal, 'told before the work');
  t.same(readdirSync(dir).sort(), ['final', 'temporary']);
  await t.rejects(publish(join(dir, 'temporary'), join(dir, 'final')), refusal);
  t.same(readdirSync(join(dir, 'final')).sort(), ['part-00000.parquet', 'thesis.txt']);
  t.ok(existsSync(join(dir, 'temporary')));
});

t.test('when the new output cannot be moved in, the old one is still there', async (t) => {
  const dir = t.testdir({ final: { 'part-00000.parquet': 'old' } });
  await t.rejects(publish(join(dir, 'missing'), join(dir, 'final')), {
    name: 'DataError',
    message: /cannot be put in place/,
  });
  t.equal(readFileSync(join(dir, 'final', 'part-00000.parquet'), 'utf8'), 'old');
  t.same(readdirSync(dir), ['final']);
});

t.test('a parent that is a file is an error that names the path', async (t) => {
  const dir = t.testdir({ blocked: 'a file' });
  await t.rejects(makeStagingFolder(join(dir, 'blocked', 'out.parquet')), {
    name: 'DataError',
    message: /blocked\/out\.parquet: cannot be written/,
  });
});
