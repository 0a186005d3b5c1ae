import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { builtins } from '../pipeline/builtins.js';
import { loadConfig } from '../pipeline/config/load.js';
import { makePlan } from '../pipeline/plan.js';
import { planJson, planMermaid, planRemarks, planText } from '../pipeline/plan-text.js';
import { loadPlugin } from '../pipeline/plugins.js';
import { pathFaults } from '../pipeline/preflight/check-paths.js';
import { pathUses } from '../pipeline/preflight/path-uses.js';
import { projectRoot } from './fixtures/paths.js';

const folder = join(projectRoot, 'configs');
const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
  /\.ya?ml$/.test(name),
);

t.test('there are configurations', async (t) => {
  t.ok(names.includes('quickstart.yaml'));
});

for (const name of names) {
  t.test(`${name} has no fault and can be planned and shown`, async (t) => {
    const config = await loadConfig(join(folder, name), {
      registry: builtins,
      loadPlugin,
      set: new Map(),
      env: {},
      today: '2026-11-23',
    });
    t.strictSame(pathFaults(pathUses(config)), []);
    const plan = makePlan(config.stages);
    t.ok(plan.segments.length > 0);
    t.match(planText(config, plan), `${config.name}: ${plan.segments.length} segment`);
    const remarks = [...(await planRemarks(plan)).values()].flat();
    t.strictSame(
      remarks.filter((line) => line.startsWith('note:')),
      [],
      'K suits the width of the model',
    );
    t.match(planMermaid(config, plan), /^flowchart TD\n/);
    t.match(JSON.parse(planJson(config, plan)), { name: config.name });
  });
}
