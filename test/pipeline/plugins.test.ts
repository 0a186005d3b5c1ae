import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { NagError } from '../../pipeline/errors.js';
import { loadPlugin } from '../../pipeline/plugins.js';
import { cliHere, runCli } from '../fixtures/cli.js';

/** One of each kind, outside of the project, importing nothing but nag-pipeline. */
const stages = `
import { writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { arrow, DataError, defineCombine, defineSink, defineSource, defineTransform, keepRows, path, stageOutput, withColumn, z } from 'nag-pipeline';

export const numbers = defineSource({
  name: 'numbers',
  summary: 'The numbers below a limit',
  options: z.strictObject({ below: z.int().min(0).describe('The limit') }),
  example: '- {use: numbers, with: {below: 3}}',
  async open({ below }, context, firstOrdinal) {
    const table = arrow.tableFromArrays({ n: Int32Array.from({ length: below }, (_, i) => i) });
    const bundle = { ordinal: firstOrdinal, file: 'numbers', firstRow: 0, rows: below, bytes: 0 };
    return {
      schema: table.schema, roles: {}, bundles: [bundle], rows: below,
      async *read(of, needs, { only } = {}) {
        const rows = Uint32Array.from({ length: below }, (_, i) => i);
        const batch = { columns: table.batches[0], bundle: of, rows, computed: new Set(), removed: new Set(), roles: {} };
        yield only ? keepRows(batch, only) : batch;
      },
      async close() {},
    };
  },
});

export const every = defineTransform({
  name: 'every',
  summary: 'Keep every n-th row',
  options: z.strictObject({ nth: z.int().min(1).describe('Step'), fail: z.boolean().default(false).describe('Fail') }),
  example: '- {use: every, with: {nth: 2}}',
  needs: () => ({}),
  async *run(input, { nth, fail }, context) {
    for await (const batch of input) {
      if (fail) throw new DataError({ file: batch.bundle.file, row: 7 }, 'is no number that I like');
      const kept = Uint32Array.from([...batch.rows.keys()].filter((i) => i % nth === 0));
      context.leftOut('between', batch.rows.length - kept.length);
      yield keepRows(batch, kept);
    }
  },
});
export default every;

export const total = defineCombine({
  name: 'total',
  summary: 'The sum of a column',
  yields: 'value',
  options: z.strictObject({}),
  example: '- {use: total}',
  needs: () => ({ columns: ['n'] }),
  start: async () => ({
    create: () => 0,
    add: (sum, batch) => batch.columns.getChild('n').toArray().reduce((a, b) => a + b, sum),
    merge: (a, b) => a + b,
    extract: (sum) => sum,
  }),
});

export const share = defineTransform({
  name: 'share',
  summary: 'Each number as a share of the total',
  sides: ['total'],
  options: z.strictObject({}),
  example: '- {use: share, from: {total: total}}',
  needs: () => ({ columns: ['n'] }),
  async *run(input, options, context, sides) {
    for await (const batch of input) {
      const data = Float64Array.from(batch.columns.getChild('n').toArray(), (n) => n / sides.get('total'));
      yield withColumn(batch, 'share', arrow.makeData({ type: new arrow.Float64(), data }));
    }
  },
});

export const write = defineSink({
  name: 'write.own',
  summary: 'Write rows as text',
  options: z.strictObject({ path: path().describe('The file') }),
  example: '- {use: write.own, with: {path: out.txt}}',
  async run(input, { path: file }, context) {
    const lines = [];
    for await (const batch of input) for (const row of batch.columns) lines.push(JSON.stringify(row));
    return await stageOutput(file, async (folder) => {
      const temporary = join(folder, basename(file));
      await writeFile(temporary, lines.join('\\n'), { flush: true });
      return { temporary, rows: lines.length, files: [file], report: 'written by myself' };
    });
  },
});
`;

const pipeline = `version: 1
plugins: [own/stages.js]
stages:
  - {use: numbers, with: {below: 5}}
  - {use: every, with: {nth: 2}}
  - {id: total, use: total}
  - {use: share, from: {main: every, total: total}}
  - {use: write.own, with: {path: out.txt}}
`;

t.test('stages of all kinds work as the built-in ones do', async (t) => {
  const folder = t.testdir({ own: { 'stages.js': stages }, 'c.yaml': pipeline });
  const { code, stdout, stderr } = await runCli(['run', join(folder, 'c.yaml')]);
  t.equal(code, 0, stderr);
  t.equal(
    readFileSync(join(folder, 'out.txt'), 'utf8'),
    '{"n":0,"share":0}\n{"n":2,"share":0.3333333333333333}\n{"n":4,"share":0.6666666666666666}',
  );
  t.match(stdout, /every +10 +6 +4 .*4 between/, 'read once for the total, once for the shares');
  t.match(stdout, '\nwritten by myself\n');
  t.match(stdout, `wrote ${join(folder, 'out.txt')}`);
});

t.test('faults of its options, and names near to its names, are told as for others', async (t) => {
  const yaml = pipeline
    .replace('nth: 2', 'nht: 2')
    .replace('use: total}', 'use: totl}')
    .replace('below: 5', 'below: -5');
  const folder = t.testdir({ own: { 'stages.js': stages }, 'c.yaml': yaml });
  const { code, stderr } = await cliHere(['check', 'c.yaml'], { cwd: folder });
  t.equal(code, 2);
  t.strictSame(stderr.trimEnd().split('\n'), [
    'c.yaml:4:34  stages[0].with.below  expected a number of at least 0, found -5',
    'c.yaml:5:24  stages[1].with.nth  is required: a number',
    'c.yaml:5:25  stages[1].with.nht  unknown option "nht", did you mean "nth"?',
    'c.yaml:6:22  stages[2].use  there is no component "totl", did you mean "total"?',
  ]);
});

t.test("an error that it throws is the user's to read", async (t) => {
  const yaml = pipeline.replace('nth: 2', 'nth: 2, fail: true');
  const folder = t.testdir({ own: { 'stages.js': stages }, 'c.yaml': yaml });
  const { code, stderr } = await cliHere(['run', 'c.yaml'], { cwd: folder });
  t.equal(code, 1);
  t.match(stderr, 'numbers: row 7: is no number that I like');
  t.notMatch(stderr, /should not|^ +at /m);
});

t.test('a defect of its code names its file and line, not this program', async (t) => {
  const code = stages.replace(
    'if (fail) throw new DataError',
    'if (fail) missing();\n      if (fail) throw new DataError',
  );
  const folder = t.testdir({
    own: { 'stages.js': code },
    'c.yaml': pipeline.replace('nth: 2', 'nth: 2, fail: true'),
  });
  const line = code.slice(0, code.indexOf('missing()')).split('\n').length;
  const { code: exitCode, stderr } = await cliHere(['run', 'c.yaml'], { cwd: folder });
  t.equal(exitCode, 1);
  t.equal(
    stderr.trimEnd(),
    `${join(folder, 'own', 'stages.js')}: line ${line}: ReferenceError: missing is not defined (stage "every", c.yaml:5:5)`,
  );
});

t.test('list and describe know it', async (t) => {
  const folder = t.testdir({ 'stages.js': stages });
  const list = await cliHere(['list', '--plugin', 'stages.js'], { cwd: folder });
  t.match(list.stdout, /\nevery +transform +Keep every n-th row\n/);
  const { stdout } = await cliHere(['describe', 'every', '--plugin', 'stages.js'], { cwd: folder });
  t.match(stdout, '  nth: whole number ≥ 1 (required)\n      Step\n');
  t.match(stdout, '\nplugins: ["stages.js"]\n', 'its example needs the file');
  const clash = await cliHere(['list', '--plugin', 'stages.js', '--plugin', 'stages.js'], { cwd: folder });
  t.match(clash, { code: 2, stderr: /^--plugin: two components are named "every"/ });
});

t.test('files that are no plugins', async (t) => {
  const whole = `kind: 'sink', run() {}, options: z.strictObject({}), summary: '', example: ''`;
  const one = (fields: string) =>
    `import { z } from 'nag-pipeline'; export const x = {name: 'x', ${fields}};`;
  const folder = t.testdir({
    'syntax.mjs': 'export const a = ;',
    'names.mjs': "import { keepRow } from 'nag-pipeline';",
    'throws.mjs': 'throw new Error("at once");',
    'import.mjs': 'import "./nowhere.js";',
    'none.mjs': 'export const a = {name: "x"}; export default null;',
    'typed.ts': 'export const a: number = 1;',
    'run.mjs': one(`kind: 'transform'`),
    'options.mjs': one(`kind: 'sink', run() {}, options: {}`),
    'summary.mjs': one(whole.replace("summary: '', ", '')),
    'example.mjs': one(whole.replace(", example: ''", '')),
    'yields.mjs': one(whole.replace('sink', 'combine').replace('run()', 'start()')),
    'whole.mjs': one(whole),
  });
  const faults: readonly [file: string, message: RegExp][] = [
    ['missing.mjs', /there is no such file$/],
    ['syntax.mjs', /cannot be loaded: Unexpected token ';'; "node --check .*syntax\.mjs" shows where$/],
    ['names.mjs', /cannot be loaded: .* does not provide an export named 'keepRow'$/],
    ['throws.mjs', /cannot be loaded: at once$/],
    ['import.mjs', /cannot be loaded: Cannot find module .*nowhere\.js/],
    ['none.mjs', /exports no component; export one made with defineTransform/],
    ['typed.ts', /compile it to JavaScript/],
    ['run.mjs', /the component x has no function "run"$/],
    ['options.mjs', /the component x has no "options"/],
    ['summary.mjs', /the component x has no "summary"/],
    ['example.mjs', /the component x has no "example"/],
    ['yields.mjs', /the component x says nothing of what it "yields"/],
  ];
  for (const [name, message] of faults) {
    const file = join(folder, name);
    const error = await loadPlugin(file).catch((thrown: unknown) => thrown);
    if (!(error instanceof NagError)) throw error;
    t.match(error.message, message);
    t.ok(error.message.startsWith(`${file}: `), name);
  }
  t.strictSame(
    (await loadPlugin(join(folder, 'whole.mjs'))).map(({ name }) => name),
    ['x'],
  );
});
