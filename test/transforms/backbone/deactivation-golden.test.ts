import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openCheckpoint } from '../../../transforms/backbone/checkpoint.js';
import { writeDeactivatedModel } from '../../../transforms/backbone/deactivated-model.js';
import { openSession } from '../../../transforms/backbone/session.js';
import type { Deactivation } from '../../../transforms/backbone/types.js';
import { writeCheckpoint } from '../../fixtures/checkpoint.js';
import { decode, goldenNames, readGolden, sha256 } from '../../fixtures/golden.js';
import { goldenCheckpoints } from '../../fixtures/make-checkpoints.js';
import { scaledError } from './compare.js';

const types = ['fwd_up', 'fwd_down', 'att_q'] as const;

/** What test/reference/deactivation.py writes. */
interface Golden {
  readonly sha256: Readonly<Record<string, string>>;
  readonly keys: Deactivation;
  /** How many of the documents in impacts/documents.json. */
  readonly documents: number;
  readonly layers: number;
  readonly types: Readonly<Record<(typeof types)[number], { width: number; impacts: string }>>;
}

const { documents } = readGolden<{ documents: number[][] }>('impacts', 'documents');
const names = goldenNames('deactivation', '');

t.test('there are goldens', async (t) => t.equal(names.length, 3));

for (const name of names) {
  t.test(`${name}: impacts as PyTorch's, in the graph and of the patched folder`, async (t) => {
    const golden = readGolden<Golden>('deactivation', name);
    const { family, options } = goldenCheckpoints.find((checkpoint) => checkpoint.name === name)!;
    const dir = t.testdir();
    const [model, patched] = [join(dir, 'model'), join(dir, 'patched')];
    await writeCheckpoint(model, family, options);
    for (const [file, expected] of Object.entries(golden.sha256))
      t.equal(sha256(join(model, file)), expected, `${file} is the one that the golden was made with`);
    mkdirSync(patched);
    const { signal } = new AbortController();
    await writeDeactivatedModel(await openCheckpoint(model), golden.keys, patched, {
      link: true,
      name: 'model',
      signal,
    });
    const docs = documents.slice(0, golden.documents);
    const expected = types.map((type) =>
      rows(decode.float32(golden.types[type].impacts), golden.types[type].width),
    );
    for (const own of [{ model, deactivate: golden.keys }, { model: patched }]) {
      const lengths = Int32Array.from(docs, (ids) => ids.length);
      const request = { neurons: types, impacts: types, maxLength: Math.max(...lengths), device: 'cpu' };
      const session = await openSession({ ...own, ...request });
      const { impacts } = await session.run({ ids: Int32Array.from(docs.flat()), lengths });
      await session.close();
      for (const [i, type] of types.entries()) {
        const found = rows(impacts[type]!, golden.types[type].width);
        t.equal(found.length, docs.length * golden.layers);
        const worst = Math.max(...found.map((row, at) => scaledError([...row], expected[i]![at]!)));
        t.ok(worst <= 1e-5, `${type}: ${worst}`);
      }
    }
  });
}

function rows(values: Float32Array, width: number): Float32Array[] {
  return Array.from({ length: values.length / width }, (_, row) =>
    values.subarray(row * width, (row + 1) * width),
  );
}
