import { join } from 'node:path';
import t, { type Test } from 'tap';
import { loadConfig } from '../../../pipeline/config/load.js';
import { ConfigError } from '../../../pipeline/config/problems.js';
import { testRegistry } from '../../fixtures/components.js';

/** The lines of the error, without the folder. */
async function faults(t: Test, yaml: string): Promise<string[]> {
  const file = join(t.testdir({ 'c.yaml': yaml }), 'c.yaml');
  const inputs = {
    registry: testRegistry,
    set: new Map(),
    env: {},
    today: '2026-11-23',
    loadPlugin: async () => [],
  };
  const error = await loadConfig(file, inputs).catch((thrown: unknown) => thrown);
  if (!(error instanceof ConfigError)) throw new Error('must be refused', { cause: error });
  return error.message.replaceAll(`${t.testdirName}/`, '').split('\n');
}

t.test('mistakes that people make, each in one line that says what to write', async (t) => {
  const first = async (yaml: string) => (await faults(t, yaml))[0]?.replace(/^c.yaml:/, '');
  const stages = 'stages: [{use: read, with: {path: a}}, {use: write, with: {path: b}}]';
  const type = (name: string) => `version: 1\nparams: {a: {type: ${name}}}\n${stages}`;
  t.strictSame(
    await faults(t, 'version: 1\nstages:\n\t- {use: read}\n\t- {use: [}\n'),
    [
      'c.yaml:3:1  YAML is indented with spaces, and here is a tab, and in 1 more line below: replace tabs by spaces',
    ],
    'tabs',
  );
  const mistakes = [
    type('list'),
    type('float'),
    type('str'),
    `version: 1\nlimits: {memory: 8}\n${stages}`,
    `version: 1\non_error: ignore\n${stages}`,
    'version: 1\nname: a: b\n',
  ];
  const said: unknown[] = [];
  for (const yaml of mistakes) said.push(await first(yaml));
  const types = 'expected one of string, int, number, bool, path, glob, date, found';
  t.strictSame(said, [
    `2:20  params.a.type  ${types} "list"`,
    `2:20  params.a.type  ${types} "float", did you mean "number"?`,
    `2:20  params.a.type  ${types} "str", did you mean "string"?`,
    '2:18  limits.memory  expected a size such as 500MB or 8GB, found 8: a number without a unit is in bytes, write 8GB or 8MB',
    '2:11  on_error  expected one of fail, skip, quarantine, or a mapping, found "ignore", did you mean "skip"?',
    '2:7  Nested mappings are not allowed in compact mappings: put quotes around a text with ": " in it',
  ]);
  t.strictSame(
    await first('version: 1\nstages: [read]'),
    '2:10  stages[0]  expected a mapping, found "read": write {use: read}',
  );
  t.match(
    await first('version: 1\nstages: [{use: read, paht: a, with: {path: a}}, {use: write, with: {path: b}}]'),
    /stages\[0\]\.paht .*; a component is named by "use", and its options are in "with"$/,
  );
});
