import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import t from 'tap';
import { refuseTables } from '../../../transforms/reading/tables.js';

const dir = t.testdir({
  delta: { _delta_log: { '0.json': '' }, 'a.parquet': '', 'lang=en': { 'b.parquet': '' } },
  iceberg: {
    metadata: { '00000-x.metadata.json': '', '00010-x.metadata.json': '', '00002-x.metadata.json': '' },
    data: { 'day=1': { 'c.parquet': '' } },
  },
  hudi: { '.hoodie': { 'hoodie.properties': '' }, 'd.parquet': '' },
  "it's a table": { _delta_log: {}, 'e.parquet': '' },
  plain: { metadata: { 'card.json': '{}' }, 'f.parquet': '', delta: { 'g.parquet': '' } },
  stream: { _spark_metadata: { '0': 'v1\n' }, 'part-0.json': '', 'lang=en': { 'part-1.parquet': '' } },
  'no stream': { _spark_metadata: { 'README.md': '' }, 'part-0.parquet': '' },
  links: { 'h.parquet': t.fixture('symlink', '../delta/a.parquet') },
});
const refused = async (...names: string[]) => await refusedAs('parquet', ...names);
const refusedAs = async (kind: 'parquet' | 'json', ...names: string[]) =>
  await refuseTables(
    names.map((name) => join(dir, name)),
    kind,
  ).then(
    () => 'read',
    (error: Error) => error.message.replaceAll(dir, '…'),
  );

t.test('files of tables, found beside and above them, and through links', async (t) => {
  const found = async (name: string) => /^\S.*?: belongs to the (.*?), whose/.exec(await refused(name))?.[1];
  t.strictSame(
    await Promise.all(
      [
        'delta/a.parquet',
        'delta/lang=en/b.parquet',
        'delta/_delta_log/0.json',
        'iceberg/data/day=1/c.parquet',
        'hudi/d.parquet',
        'links/h.parquet',
        'delta',
        'iceberg/data/none',
      ].map(found),
    ),
    [
      'Delta Lake table …/delta',
      'Delta Lake table …/delta',
      'Delta Lake table …/delta',
      'Iceberg table …/iceberg',
      'Hudi table …/hudi',
      'Delta Lake table …/delta',
      'Delta Lake table …/delta',
      'Iceberg table …/iceberg',
    ],
  );
});

t.test('plain files are read, also beside folders that are named as those of tables', async (t) => {
  t.equal(
    await refused(
      'plain/f.parquet',
      'plain/delta/g.parquet',
      'nowhere/x.parquet',
      'no stream/part-0.parquet',
    ),
    'read',
  );
  t.equal(await refusedAs('json', 'delta/_delta_log/0.json', 'hudi/meta.json'), 'read', 'as JSON lines');
});

t.test('what a Spark stream wrote, as Parquet and as JSON lines', async (t) => {
  const message = (file: string, kind: string) =>
    `…/stream/${file}: belongs to the output of a Spark stream in …/stream, whose folder also holds files of ` +
    `attempts that failed, unless _spark_metadata lists them. Write its live rows as plain ${kind === 'json' ? 'JSON' : 'Parquet'}, ` +
    `and read that folder instead: spark-sql -e 'INSERT OVERWRITE DIRECTORY '\\''${process.cwd()}/stream-live'\\'' USING ${kind} SELECT * FROM ${kind}.\`…/stream\`'`;
  t.strictSame(
    [await refused('stream/lang=en/part-1.parquet'), await refusedAs('json', 'stream/part-0.json')],
    [message('lang=en/part-1.parquet', 'parquet'), message('part-0.json', 'json')],
  );
});

t.test('the commands that export live rows', async (t) => {
  t.equal(
    await refused('plain/f.parquet', 'delta/a.parquet'),
    '…/delta/a.parquet: belongs to the Delta Lake table …/delta, whose files also hold deleted and replaced rows. ' +
      'Write its live rows as plain Parquet, and read that folder instead: ' +
      `python3 -c 'import sys; import pyarrow.dataset as d; from deltalake import DeltaTable; d.write_dataset(DeltaTable(sys.argv[1]).to_pyarrow_dataset(), sys.argv[2], format="parquet")' …/delta delta-live`,
  );
  t.match(
    await refused('iceberg/data/day=1/c.parquet'),
    /' …\/iceberg\/metadata\/00010-x\.metadata\.json iceberg-live$/,
  );
  t.match(
    await refused('hudi/d.parquet'),
    /spark-sql -e 'INSERT OVERWRITE DIRECTORY .* USING parquet SELECT \* FROM hudi\.`…\/hudi`'$/,
  );
  const command = (await refused("it's a table/e.parquet"))
    .replace(/.*python3 -c/, 'printf "%s\\n"')
    .replaceAll('…', dir);
  const words = execFileSync('sh', ['-c', command], { encoding: 'utf8' }).trimEnd().split('\n');
  t.strictSame(words.slice(-2), [`${dir}/it's a table`, "it's a table-live"], 'as words of a shell');
});
