import { join } from 'node:path';
import t, { type Test } from 'tap';
import { type LoadOptions, loadConfig } from '../../../pipeline/config/load.js';
import { ConfigError } from '../../../pipeline/config/problems.js';
import { NagError } from '../../../pipeline/errors.js';
import { testRegistry, transform } from '../../fixtures/components.js';

const inputs: LoadOptions = {
  registry: testRegistry,
  set: new Map(),
  env: {},
  today: '2026-11-23',
  loadPlugin: async (file) => {
    if (file.endsWith('broken.js')) throw new NagError(`${file}: cannot be loaded`);
    return [transform(file.endsWith('clash.js') ? 'pass' : 'mine', {})];
  },
};

async function load(t: Test, yaml: string, options: Partial<LoadOptions> = {}) {
  const folder = t.testdir({ 'c.yaml': yaml });
  return { folder, config: await loadConfig(join(folder, 'c.yaml'), { ...inputs, ...options }) };
}

/** The lines of the error, without the folder. */
async function faults(t: Test, yaml: string, options: Partial<LoadOptions> = {}): Promise<string[]> {
  const error = await load(t, yaml, options).then(
    () => t.fail('must be refused'),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ConfigError)) throw error;
  t.equal(error.exitCode, 2);
  return error.message.replaceAll(`${t.testdirName}/`, '').split('\n');
}

t.test('a whole configuration', async (t) => {
  const { folder, config } = await load(
    t,
    `
version: 1
name: "nightly \${day}"
temp_dir: scratch
params:
  k: {type: int, default: 5}
  day: {type: date}
  pool: {type: glob, default: pool/*.parquet}
  model: {type: path}
templates:
  nag:
    - {use: measure}
    - {use: add, with: {k: "\${k}", model: "\${model}"}}
plugins: [own/mine.js]
stages:
  - {use: read, with: {path: [a, /b]}}
  - {id: target, template: nag}
  - {use: profile}
  - {id: pool, use: read, with: {path: "\${pool}"}}
  - {template: nag}
  - {id: far, use: score, from: {profile: profile}}
  - {use: mine, from: [far, target]}
  - {use: write, with: {path: "out/\${day}/$\${x}.parquet"}}
`,
    { set: new Map([['pool', 'other/*.parquet']]) },
  );
  t.equal(config.name, 'nightly 2026-11-23');
  t.equal(config.tempDir, join(folder, 'scratch'));
  t.match(config.hash, /^[0-9a-f]{64}$/);
  t.strictSame(
    config.stages.map(({ id, inputs: { main, sides } }) => [id, main, [...sides]]),
    [
      ['read', [], []],
      ['measure', ['read'], []],
      ['target', ['measure'], []],
      ['profile', ['target'], []],
      ['pool', [], []],
      ['measure-2', ['pool'], []],
      ['add', ['measure-2'], []],
      ['far', ['add'], [['profile', ['profile']]]],
      ['mine', ['target', 'far'], []],
      ['write', ['mine'], []],
    ],
  );
  t.strictSame(config.stages[0]?.options, { path: [join(folder, 'a'), '/b'], rows: 10, columns: {} });
  t.strictSame(config.stages[2]?.options, { k: 5 }, 'an unset parameter leaves its option out');
  t.strictSame(
    config.stages[4]?.options,
    { path: join(folder, 'other/*.parquet'), rows: 10, columns: {} },
    'paths of --set are relative to the file too',
  );
  t.strictSame(config.stages[9]?.options, { path: join(folder, `out/2026-11-23/\${x}.parquet`) });
});

t.test('several inputs are read in the order of their sources, however they are named', async (t) => {
  const yaml = stages(
    '{id: a, use: read, with: {path: a}}',
    '{id: b, use: read, with: {path: b}}',
    '{id: late, use: add, from: b}',
    '{id: early, use: add, from: a}',
    '{use: count, from: [late, early]}',
  );
  const { config } = await load(t, yaml);
  t.strictSame(config.stages.at(-1)?.inputs.main, ['early', 'late']);
});

t.test('the hash tells what a run does', async (t) => {
  const text = (k: number, name: string) =>
    `{version: 1, name: ${name}, stages: [{use: read, with: {path: /a}}, {use: add, with: {k: ${k}}}, {use: count}]}`;
  const hash = async (k: number, name: string) => (await load(t, text(k, name))).config.hash;
  t.equal(await hash(1, 'a'), await hash(1, 'b'));
  t.not(await hash(1, 'a'), await hash(2, 'a'));
});

/** A configuration whose only lines are stages; the first one is at line 3. */
const stages = (...lines: string[]) =>
  `version: 1\nstages:\n${lines.map((line) => `  - ${line}\n`).join('')}`;
const source = '{use: read, with: {path: a}}';

const table: readonly { name: string; yaml: string; lines: string[]; set?: [string, string][] }[] = [
  {
    name: 'many different faults, one line each, in the order of the file',
    yaml: `version: 2
nmae: ten
params:
  k: {type: integer, default: 20}
  day: {type: date, default: yesterday}
templates:
  nag:
    - {use: ad, with: {k: 1}}
    - {use: add, with: {k: many}}
plugins: [broken.js]
stages:
  - {id: a, use: read, with: {path: x, rows: 0, colums: {}}}
  - {template: nagg}
  - {template: nag}
  - {use: score}
  - {use: rank, with: {fraction: 0.5, tokens: 5}}
  - {id: a, use: count, from: nowhere, with: {by: kinds}}
`,
    lines: [
      'c.yaml:1:10  version  expected 1, found 2',
      'c.yaml:2:1  nmae  unknown option "nmae", did you mean "name"?',
      'c.yaml:4:13  params.k.type  expected one of string, int, number, bool, path, glob, date, found "integer", did you mean "int"?',
      'c.yaml:5:8  params.day  expected a date as YYYY-MM-DD, found "yesterday" (from its default)',
      'c.yaml:8:13  templates.nag[0].use  there is no component "ad", did you mean "add"?',
      'c.yaml:9:28  templates.nag[1].with.k  expected a number, found "many"',
      'c.yaml:10:11  plugins[0]  broken.js: cannot be loaded',
      'c.yaml:12:46  stages[0].with.rows  expected a number of at least 1, found 0',
      'c.yaml:12:49  stages[0].with.colums  unknown option "colums", did you mean "columns"?',
      'c.yaml:13:16  stages[1].template  there is no template "nagg", did you mean "nag"?',
      'c.yaml:15:5  stages[3].from  score needs the side input "profile": from: {profile: <id of a profile stage>}',
      'c.yaml:16:23  stages[4].with  give either fraction or tokens',
      'c.yaml:17:10  stages[5].id  the id "a" is used twice',
      'c.yaml:17:31  stages[5].from  there is no stage "nowhere" (there are: a, add, score, rank)',
      'c.yaml:17:51  stages[5].with.by  expected one of kind, language, found "kinds", did you mean "kind"?',
    ],
  },
  {
    name: 'values of the wrong kind everywhere',
    yaml: `version: "1"
name: 5
temp_dir: []
templates:
  x: {}
  y: [5]
plugins: [5]
stages:
  - 5
  - {use: 5, id: [], from: 5, with: []}
  - {template: {}}
  - {template: x}
  - {template: y}
`,
    lines: [
      'c.yaml:1:10  version  expected 1, found "1"',
      'c.yaml:2:7  name  expected text, found 5',
      'c.yaml:3:11  temp_dir  expected text, found a list of 0',
      'c.yaml:5:6  templates.x  expected a list, found a mapping with no keys',
      'c.yaml:6:7  templates.y[0]  expected a mapping, found 5',
      'c.yaml:7:11  plugins[0]  expected text, found 5',
      'c.yaml:9:5  stages[0]  expected a mapping, found 5',
      'c.yaml:10:11  stages[1].use  expected text, found 5',
      'c.yaml:10:18  stages[1].id  expected text, found a list of 0',
      'c.yaml:10:28  stages[1].from  expected text, or a list, or a mapping, found 5',
      'c.yaml:10:37  stages[1].with  expected a mapping, found a list of 0',
      'c.yaml:11:16  stages[2].template  expected text, found a mapping with no keys',
    ],
  },
  {
    name: 'no stages',
    yaml: 'version: 1\nparams: []\nstages: []\n',
    lines: [
      'c.yaml:2:9  params  expected a mapping, found a list of 0',
      'c.yaml:3:9  stages  expected at least 1 entry, found a list of 0',
    ],
  },
  { name: 'an empty file', yaml: '', lines: ['c.yaml:1:1  expected a mapping, found nothing (null)'] },
  { name: 'a list', yaml: '- a\n', lines: ['c.yaml:1:1  expected a mapping, found a list of 1'] },
  {
    name: 'a parameter without a value is told once, whatever uses it',
    yaml: `version: 1
params: {k: {type: int, required: true, env: K}, f: {type: int, default: x}, unset: {}}
stages:
  - {use: read, with: {path: "a/\${k}", rows: "\${k}"}}
  - {use: rank, with: {fraction: "\${f}"}}
  - {use: write, with: {path: "\${unset}/x"}}
`,
    lines: [
      'c.yaml:2:13  params.k  has no value: give one with --set k=… or K=…',
      'c.yaml:2:53  params.f  expected a whole number, found "x" (from its default)',
      `c.yaml:6:31  stages[2].with.path  \${unset} has no value: give one with --set unset=…, or a default`,
    ],
  },
  {
    name: '--set of what is no parameter',
    yaml: `version: 1\nparams: {day: {type: date}}\nstages:\n  - ${source}\n  - {use: count}\n`,
    set: [
      ['dya', 'x'],
      ['toString', 'x'],
      ['day', 'x'],
    ],
    lines: [
      'c.yaml:2:9  params  --set dya: there is no such parameter, did you mean "day"?',
      'c.yaml:2:9  params  --set toString: there is no such parameter (there are: day)',
      'c.yaml:2:15  params.day  expected a date as YYYY-MM-DD, found "x" (from --set day)',
    ],
  },
  {
    name: 'names of JavaScript are no names here',
    yaml: stages(source, '{template: constructor}', '{use: toString, with: {path: "$' + '{valueOf}"}}'),
    lines: [
      'c.yaml:4:16  stages[1].template  there is no template "constructor"',
      'c.yaml:5:11  stages[2].use  there is no component "toString" (there are: read, add, pass, score, measure, keep, profile, rank, write, count, compare)',
      `c.yaml:5:34  stages[2].with.path  \${valueOf}: there is no such parameter`,
    ],
  },
  {
    name: 'templates',
    yaml: `version: 1
templates:
  inner: [{use: add}]
  outer: [{template: inner}, {use: add, id: 5x}, {}]
stages:
  - ${source}
  - {template: outer, with: {k: 3}}
  - {use: add, template: inner}
  - {use: count}
`,
    lines: [
      'c.yaml:4:22  templates.outer[0].template  a template cannot use another template: write its stages here',
      'c.yaml:4:45  templates.outer[1].id  expected a letter, then letters, digits, _ . or -, found "5x"',
      'c.yaml:4:50  templates.outer[2].use  a stage has either "use" (a component) or "template" (a template\'s name)',
      'c.yaml:7:29  stages[1].with  a template takes no options: use params inside it',
      'c.yaml:8:11  stages[2].use  a stage has either "use" (a component) or "template" (a template\'s name)',
    ],
  },
  {
    name: 'inputs that do not fit',
    yaml: stages(
      '{use: add}',
      '{id: a, use: read, with: {path: a}, from: b}',
      '{id: b, use: add, from: [a, a]}',
      '{id: c, use: pass, from: [a, b]}',
      '{id: p, use: profile}',
      '{use: pass}',
      '{use: pass, from: q}',
      '{use: score, from: {main: a, profle: p, profile: b}}',
      '{use: score, from: {main: a, profile: [p, p]}}',
      '{id: q, use: count, from: a}',
      '{use: pass}',
    ),
    lines: [
      'c.yaml:3:5  stages[0]  the first stage must be a source, and add is a transform',
      'c.yaml:4:47  stages[1].from  read is a source: it reads files, not another stage; remove "from"',
      'c.yaml:5:33  stages[2].from[1]  "a" is named twice: its rows would come in twice',
      'c.yaml:6:30  stages[3].from  "a" would come in twice: the stages named here both read it',
      'c.yaml:8:5  stages[5].from  "p" (profile) yields one value, not rows; name the stage to read with "from", and give this one as a side input',
      'c.yaml:9:23  stages[6].from  "q" is this stage or below it; a stage reads only stages above it',
      'c.yaml:10:34  stages[7].from.profle  score has no side input "profle", did you mean "profile"?',
      'c.yaml:10:54  stages[7].from.profile  "b" (add) yields rows, and a side input takes the value of a combine such as profile',
      'c.yaml:11:43  stages[8].from.profile  a side input is one stage',
      'c.yaml:13:5  stages[10].from  "q" (count) is a sink and has no output; name the stage to read with "from"',
    ],
  },
  {
    name: 'a side input of several stages',
    yaml: stages(
      '{id: a, use: read, with: {path: a}}',
      '{id: p, use: profile}',
      '{id: q, use: profile, from: a}',
      '{id: s, use: compare, from: {main: a, profile: [q, p]}}',
      '{use: compare, from: {main: a, profile: [p, q, p]}}',
      '{use: compare, from: {main: a, profile: [p, a, x]}}',
    ),
    lines: [
      'c.yaml:7:52  stages[4].from.profile[2]  "p" is named twice',
      'c.yaml:8:49  stages[5].from.profile[1]  "a" (read) yields rows, and a side input takes the value of a combine such as profile',
      'c.yaml:8:52  stages[5].from.profile[2]  there is no stage "x" (there are: a, p, q, s, compare)',
    ],
  },
  {
    name: 'sources in another order than that of the file',
    yaml: stages(
      '{id: a, use: read, with: {path: a}}',
      '{id: b, use: read, with: {path: b}}',
      '{id: c, use: read, with: {path: c}}',
      '{id: ac, use: add, from: [c, a]}',
      '{use: count, from: [ac, b]}',
    ),
    lines: [
      'c.yaml:7:24  stages[4].from  the rows would come in the order a, c, b, and sources are read in the order of the file: name all of them in one "from", or move "b" up',
    ],
  },
  {
    name: 'outputs that nobody reads',
    yaml: stages(
      source,
      '{id: x, use: add}',
      '{use: count, from: read}',
      '{use: rank, from: read, with: {tokens: 5}}',
    ),
    lines: [
      'c.yaml:4:5  stages[1]  nothing reads the output of "x" (add): add a sink such as write.parquet, or remove it',
      'c.yaml:6:5  stages[3]  nothing reads the output of "rank" (rank): add a sink such as write.parquet, or remove it',
    ],
  },
  {
    name: 'plugins: a clash, and a name that one that failed may have had',
    yaml: 'version: 1\nplugins: [clash.js, broken.js]\nstages: [{use: unheard-of}, {use: coutn}]\n',
    lines: [
      'c.yaml:2:11  plugins[0]  there is a component "pass" already: rename this one',
      'c.yaml:2:21  plugins[1]  broken.js: cannot be loaded',
      'c.yaml:3:35  stages[1].use  there is no component "coutn", did you mean "count"?',
    ],
  },
];

for (const { name, yaml, lines, set } of table) {
  t.test(name, async (t) => {
    t.strictSame(await faults(t, yaml, { set: new Map(set) }), lines);
  });
}

t.test('what is thrown by a plugin is the cause', async (t) => {
  const yaml = `version: 1\nplugins: [broken.js]\nstages: [${source}, {use: count}]\n`;
  const error = await load(t, yaml).catch((thrown: unknown) => thrown);
  t.type(error instanceof Error && error.cause, NagError);
});
