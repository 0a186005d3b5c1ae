import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { quantizeRows } from '../../../transforms/backbone/quantize.js';
import type { Tensor, WeightType } from '../../../transforms/backbone/types.js';

/** A matrix in a file, some bytes from its start. */
function written(t: Test, dtype: WeightType, shape: readonly [number, number], bytes: Uint8Array): Tensor {
  const file = join(t.testdir(), 'weights');
  writeFileSync(file, Buffer.concat([Buffer.alloc(6, 255), bytes]));
  return { name: 'w', dtype, shape, file, realFile: file, offset: 6, bytes: bytes.length };
}

const bytesOf = (values: readonly number[]) => new Uint8Array(Float32Array.from(values).buffer);
const halfs = (bits: readonly number[]) => new Uint8Array(Uint16Array.from(bits).buffer);

t.test('each row has a scale of its own, and its largest value becomes 127', async (t) => {
  const rows = [
    [0.5, -1.27, 0.01],
    [254, 0, -2],
    [0, 0, 0],
  ];
  const { values, scales } = await quantizeRows(written(t, 'F32', [3, 3], bytesOf(rows.flat())));
  t.same([...scales], [Math.fround(Math.fround(1.27) / 127), 2, 1]);
  t.same([...values], [50, 127, 0, -127, 0, 0, 1, -1, 0], 'outputs of one input lie side by side');
});

t.test('float16 and bfloat16', async (t) => {
  // 1, −2, 2⁻²⁴, 65504 and 1.5, 0, −127, 2⁻¹³³ (which are 0x0001 and 0x7bff, and the smallest of bfloat16)
  const half = await quantizeRows(written(t, 'F16', [2, 2], halfs([0x3c00, 0xc000, 0x0001, 0x7bff])));
  t.same([...half.scales], [Math.fround(2 / 127), Math.fround(65504 / 127)]);
  t.same([...half.values], [64, 0, -127, 127]);
  const brain = await quantizeRows(written(t, 'BF16', [2, 2], halfs([0x3fc0, 0x0000, 0xc2fe, 0x0001])));
  t.same([...brain.scales], [Math.fround(1.5 / 127), 1]);
  t.same([...brain.values], [127, -127, 0, 0]);
});

t.test('any number of rows and columns: within half a step of the values', async (t) => {
  for (const [rows, columns] of [
    [1, 1],
    [63, 7],
    [64, 5],
    [65, 3],
    [200, 33],
    [3, 1_500_000],
  ] as const) {
    const source = Float32Array.from({ length: rows * columns }, (_, i) => Math.sin(i) * (1 + (i % 7)));
    const { values, scales } = await quantizeRows(
      written(t, 'F32', [rows, columns], new Uint8Array(source.buffer)),
    );
    let worst = 0;
    for (let i = 0; i < source.length; i++) {
      const row = Math.floor(i / columns);
      const near = values[(i % columns) * rows + row]! * scales[row]!;
      worst = Math.max(worst, Math.abs(near - source[i]!) / scales[row]!);
    }
    t.ok(worst < 0.50001, `${rows} × ${columns}: ${worst}`);
  }
});

t.test('what is not finite, or ends early, is refused', async (t) => {
  for (const value of [Number.NaN, Infinity, -Infinity])
    await t.rejects(quantizeRows(written(t, 'F32', [2, 2], bytesOf([1, 2, value, 3]))), {
      name: 'DataError',
      message: /tensor "w": row 1 is not finite/,
    });
  const tensor = written(t, 'F32', [2, 2], bytesOf([1, 2, 3, 4]));
  await t.rejects(quantizeRows({ ...tensor, shape: [4, 2], bytes: 32 }), {
    name: 'DataError',
    message: /ended/,
  });
  await t.rejects(quantizeRows(tensor, AbortSignal.abort(new Error('stop'))), { message: 'stop' });
});

t.test('next to nothing counts as nothing', async (t) => {
  const { values, scales } = await quantizeRows(written(t, 'F32', [1, 2], bytesOf([1e-44, -1e-40])));
  t.same([[...values], [...scales]], [[0, 0], [1]]);
});
