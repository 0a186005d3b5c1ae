import { tmpdir } from 'node:os';
import { Int32, Utf8 } from 'apache-arrow';
import t from 'tap';
import { withColumn } from '../../pipeline/batch.js';
import type { Transform } from '../../pipeline/component.js';
import { type FeatureInfo, featureData, featureMetadata } from '../../transforms/columns.js';
import { deduplicate } from '../../transforms/deduplicate.js';
import { explain } from '../../transforms/explain.js';
import { filter } from '../../transforms/filter.js';
import { label } from '../../transforms/label.js';
import { sample } from '../../transforms/sample.js';
import {
  collectSink,
  mapStage,
  memorySource,
  recordBatch,
  runStages,
  sinkLog,
  sourceLog,
} from '../fixtures/engine.js';

const info: FeatureInfo = {
  neurons: 'fwd_up',
  layers: 1,
  k: 1,
  width: 2,
  model: 'a',
  tokenizer: 'b',
  maxLength: 120,
};
const profile = { info, targets: [{ name: undefined, weights: new Float64Array([1, 0]), documents: 1 }] };

const stages: readonly (readonly [Transform, Record<string, unknown>])[] = [
  [deduplicate, {}],
  [explain, {}],
  [filter, { where: { n: { min: 0 } } }],
  [label, { columns: { x: 1 } }],
  [sample, { fraction: 1 }],
];

const batches = (rows: number) =>
  Array.from({ length: 5 }, (_, i) =>
    recordBatch({
      docid: [new Utf8(), Array.from({ length: rows }, (_, row) => `${i}-${row}`)],
      n: [new Int32(), Array(rows).fill(i)],
    }),
  );
const featured = mapStage((batch) =>
  withColumn(
    batch,
    'fwd_up_feature',
    featureData(new Int32Array(batch.rows.length), batch.rows.length, info),
    {
      metadata: featureMetadata(info),
    },
  ),
);
/** `explain` alone, with its profile at hand. */
const alone = (stage: Transform): Transform => ({
  ...stage,
  sides: [],
  run: (input, options, context) =>
    stage.run(input, options, context, new Map([['profile', new Map([['p', profile]])]])),
});

for (const [stage, options] of stages) {
  const run = async (source: Parameters<typeof memorySource>, log = sinkLog(), onBatch = () => {}) =>
    await runStages(
      [
        ['pool', memorySource(...source)],
        ['features', featured],
        ['stage', alone(stage), options],
        ['out', collectSink(log, onBatch)],
      ],
      { tempDir: tmpdir() },
    );

  t.test(`${stage.name}: an error in mid-stream comes out as it is`, async (t) => {
    const error = new Error('the disk is gone');
    await t.rejects(run([[batches(3)], { failAt: { batch: 3, error } }]), error);
  });

  t.test(`${stage.name}: an error below closes the source`, async (t) => {
    const log = sourceLog();
    const stop = () => {
      throw new Error('stopped');
    };
    await t.rejects(run([[batches(3)], { log }], sinkLog(), stop), { message: 'stopped' });
    t.equal(log.ended, log.opened);
    t.ok(log.batches < 5, `${log.batches} batches were read`);
  });

  t.test(`${stage.name}: no rows have its columns`, async (t) => {
    const [empty, some] = [sinkLog(), sinkLog()];
    await run([[batches(0)]], empty);
    await run([[batches(2)]], some);
    const schemaOf = ({ batches: [first] }: typeof some) => String(first!.columns.schema);
    t.equal(schemaOf(empty), schemaOf(some));
    t.equal(some.batches.length, 5, 'one batch out for one in');
  });
}
