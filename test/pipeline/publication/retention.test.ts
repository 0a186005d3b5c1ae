import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { digestOutputs } from '../../../pipeline/publication/checksums.js';
import { writeManifest } from '../../../pipeline/publication/manifest.js';
import { publishAll } from '../../../pipeline/publication/publish.js';
import { expiredOutputs, removeOutputs } from '../../../pipeline/publication/retention.js';
import type { RunRecord } from '../../../pipeline/state/record.js';
import { stageTexts, visible } from '../../fixtures/outputs.js';
import { runRecord } from '../../fixtures/records.js';

const { signal } = new AbortController();

function made(id: string, paths: readonly string[], more: Partial<RunRecord> = {}) {
  return runRecord(
    id,
    paths.map((path) => ({ stage: 'out', path, rows: 1, files: [] })),
    more,
  );
}

t.test("the newest complete runs stay; a path that a newer one wrote is that one's", async (t) => {
  const records = [
    made('5', ['/out/5/a'], { status: 'failed' }),
    made('4', ['/out/4/a', '/out/latest']),
    made('2', ['/out/2/a', '/out/latest', '/old/b']),
    made('3', ['/out/3/deep/a', '/out/4/../3/b', '/out/latest']),
    made('1', ['/out/1/a', '/old/b']),
    made('0', ['/out/latest']),
  ];
  const of = (keep: number) =>
    expiredOutputs(records, keep).map(({ run, outputs, folders }) => [
      run,
      outputs.map(({ path }) => path),
      folders,
    ]);
  t.strictSame(of(1), [
    ['1', ['/out/1/a'], ['/out/1', '/old']],
    ['2', ['/out/2/a', '/old/b'], ['/out/2', '/old']],
    ['3', ['/out/3/deep/a', '/out/4/../3/b'], ['/out/3/deep', '/out/3']],
  ]);
  t.strictSame(of(3), [['1', ['/out/1/a'], ['/out/1']]]);
  t.strictSame(of(5), []);
  t.strictSame(expiredOutputs([], 1), []);
});

/** A night's run with a manifest; `names` as in `stageTexts`. */
async function night(dir: string, id: string, names: readonly string[], together = true): Promise<RunRecord> {
  const folder = join(dir, id);
  const staged = await stageTexts(folder, names, `of ${id}`);
  const record = runRecord(id, await digestOutputs('out', { rows: 1, ...staged }, signal));
  await publishAll(staged.outputs, { together });
  await staged.discard();
  await writeManifest(join(folder, 'manifest.json'), record);
  return record;
}

for (const together of [true, false])
  t.test(`expired nights go with all they left, ${together ? 'links' : 'plain'}`, async (t) => {
    const dir = t.testdir();
    const names = ['a.parquet', 'deep/b.jsonl', 'parts'];
    const records: RunRecord[] = [];
    for (const id of ['1', '2', '3']) records.push(await night(dir, id, names, together));
    rmSync(join(dir, '1', 'a.parquet'));
    t.strictSame(await removeOutputs(expiredOutputs(records, 2), signal), []);
    t.strictSame(readdirSync(dir).sort(), ['2', '3']);
    t.strictSame(await removeOutputs(expiredOutputs(records, 1), signal), []);
    t.strictSame(await removeOutputs(expiredOutputs(records, 1), signal), [], 'once more');
    t.strictSame(readdirSync(dir), ['3']);
    t.strictSame(
      visible(join(dir, '3'), names),
      names.map(() => 'of 3'),
    );
    t.ok(existsSync(join(dir, '3', 'manifest.json')));
  });

t.test('what is not as it was published stays, and is told; so does what lies beside it', async (t) => {
  const dir = t.testdir({ mine: { 'part-00000.parquet': 'of 1' }, 'one.parquet': 'of 1' });
  const names = ['a.parquet', 'b.jsonl', 'parts', 'c.jsonl', 'more'];
  const records = [await night(dir, '1', names, false), await night(dir, '2', names, false)];
  const at = (...path: string[]) => join(dir, '1', ...path);
  writeFileSync(at('a.parquet'), 'of X');
  rmSync(at('b.jsonl'));
  symlinkSync('../one.parquet', at('b.jsonl'));
  rmSync(at('parts'), { recursive: true });
  symlinkSync('../mine', at('parts'));
  writeFileSync(at('more', 'thesis.txt'), 'years of work');
  writeFileSync(at('notes.json'), '{"run": "1"}');
  const notes = await removeOutputs(expiredOutputs(records, 1), signal);
  t.strictSame(notes, [
    `${at('a.parquet')}: has other content: it stays, as it is not what was published`,
    `${at('b.jsonl')}: is a link to what no run published: it stays`,
    `${at('parts')}: is a link to what no run published: it stays`,
  ]);
  t.strictSame(readdirSync(at()).sort(), ['a.parquet', 'b.jsonl', 'more', 'notes.json', 'parts']);
  t.strictSame(readdirSync(at('more')), ['thesis.txt']);
  t.strictSame(readdirSync(join(dir, 'mine')), ['part-00000.parquet']);
  t.ok(existsSync(join(dir, 'one.parquet')));
});

t.test('links inside of an output folder are not followed', async (t) => {
  const dir = t.testdir({ elsewhere: {} });
  const records = [
    await night(dir, '1', ['a.parquet', 'parts']),
    await night(dir, '2', ['a.parquet', 'parts']),
  ];
  const part = join(dir, '1', 'parts', 'part-00000.parquet');
  renameSync(part, join(dir, 'elsewhere', 'part'));
  symlinkSync(join(dir, 'elsewhere', 'part'), part);
  t.match(await removeOutputs(expiredOutputs(records, 1), signal), [
    /part-00000\.parquet: leads elsewhere: it stays/,
  ]);
  t.ok(existsSync(join(dir, 'elsewhere', 'part')));
  t.strictSame(
    readdirSync(join(dir, '1')).filter((name) => !name.startsWith('.')),
    ['parts'],
  );
});

t.test('a set that was published every night at the same paths keeps its current version', async (t) => {
  const dir = t.testdir();
  mkdirSync(join(dir, 'same'));
  const records: RunRecord[] = [];
  for (const id of ['1', '2', '3']) {
    const staged = await stageTexts(join(dir, 'same'), ['a.parquet', 'b.jsonl'], `of ${id}`);
    records.push(runRecord(id, await digestOutputs('out', { rows: 1, ...staged }, signal)));
    await publishAll(staged.outputs, { together: true });
    await staged.discard();
  }
  t.strictSame(expiredOutputs(records, 1), []);
  t.strictSame(visible(join(dir, 'same'), ['a.parquet', 'b.jsonl']), ['of 3', 'of 3']);
});
