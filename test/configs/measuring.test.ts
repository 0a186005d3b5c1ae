import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { runCli } from '../fixtures/cli.js';
import { projectRoot } from '../fixtures/paths.js';

const configs = join(projectRoot, 'configs');

/** The means of a printed table, by the first cell of its lines. */
function meansOf(stdout: string): Map<string, number[]> {
  const lines = stdout.matchAll(/^ +(\w+) +\d+ +([-\d.].*)$/gm);
  return new Map(
    [...lines].map(([, name, cells]) => [
      name!,
      cells!.split(/ {2,}/).map((cell) => Number(cell.split(' ±')[0])),
    ]),
  );
}

t.test('evaluate.yaml: loss and perplexity of every category', async (t) => {
  const out = join(t.testdir({}), 'losses.jsonl');
  const { code, stdout, stderr } = await runCli([
    'run',
    join(configs, 'evaluate.yaml'),
    '--set',
    `out=${out}`,
  ]);
  t.equal(code, 0, stderr);
  const means = meansOf(stdout.slice(stdout.indexOf('category')));
  t.same([...means.keys()], ['science', 'code', 'news', 'narrative', 'recipes', 'all']);
  for (const [name, [loss, perplexity]] of means) {
    t.ok(
      loss! > 3 && loss! < 6,
      `${name}: a trained model, far below the ${Math.log(4096).toFixed(1)} of chance`,
    );
    t.ok(Math.abs(Math.exp(loss!) - perplexity!) < 0.1, name);
  }
  const [first] = readFileSync(out, 'utf8').split('\n', 1);
  t.match(JSON.parse(first!), { docid: 'science-01', predicted_tokens: 151 });
});

t.test("deactivation-effect.yaml: a target's neurons matter to it, more than random ones", async (t) => {
  const { code, stdout, stderr } = await runCli(['run', join(configs, 'deactivation-effect.yaml')]);
  t.equal(code, 0, stderr);
  const means = meansOf(stdout.slice(stdout.indexOf('category')));
  for (const [target, own, other] of [
    ['science', 1, 2],
    ['code', 2, 1],
  ] as const) {
    const grown = means.get(target) ?? [];
    const random = Math.max(...grown.slice(3));
    t.ok(
      grown[own]! > 1.5 * random,
      `${target}: ${grown[own]} without its own neurons, ${random} without others`,
    );
    t.ok(grown[own]! > grown[other]!, `${target}: and more than without those of the other target`);
  }
});

t.test('multiple-choice.yaml: acc, acc_norm and the answers', async (t) => {
  const { code, stdout, stderr } = await runCli(['run', join(configs, 'multiple-choice.yaml')]);
  t.equal(code, 0, stderr);
  t.match(stdout, /rows +acc +acc_norm\n +all +12 +0\.\d{4} ± 0\.\d{4}/);
  t.match(stdout, /q-12 +What must a fire have .* D +[0-3] +[0-3] +(true|false)/);
});
