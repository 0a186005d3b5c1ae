import { spawnSync } from 'node:child_process';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { writeBundle } from '../../bench/gpu/bundle.js';
import { projectRoot } from '../fixtures/paths.js';

const script = join(projectRoot, 'bench', 'gpu', 'measure.py');
const job = { length: 70, k: 5 };

const config = {
  model_type: 'qwen3',
  hidden_act: 'silu',
  hidden_size: 64,
  intermediate_size: 160,
  num_hidden_layers: 3,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 32,
  vocab_size: 500,
  rms_norm_eps: 1e-6,
  rope_theta: 1e6,
};

t.test('a bundle is graphs, shapes and the script, without weights', async (t) => {
  const folder = t.testdir();
  await writeBundle(folder, config, script, job);
  const files = await readdir(folder);
  t.same(files.sort(), ['bfloat16.onnx', 'bundle.json', 'float16.onnx', 'float32.onnx', 'measure.py']);
  const bundle = JSON.parse(await readFile(join(folder, 'bundle.json'), 'utf8')) as {
    tensors: { name: string; shape: number[]; offset: number }[];
  };
  const sizes = bundle.tensors.map(({ shape }) => shape.reduce((a, b) => a * b, 2));
  t.same(
    bundle.tensors.map(({ offset }) => offset),
    sizes.map((_, i) => sizes.slice(0, i).reduce((a, b) => a + b, 0)),
  );
  for (const file of files) t.ok((await stat(join(folder, file))).size < 1e6, file);
});

t.test('a shape that the script does not compute is refused', async (t) => {
  const other = { ...config, attention_bias: true };
  await t.rejects(writeBundle(t.testdir(), other, script, job), /only models without biases/);
});

const python = spawnSync('python3', ['-c', 'import torch, onnxruntime, numpy'], { encoding: 'utf8' });
const needsPython =
  python.status === 0 ? {} : { skip: 'NOT RUN: needs python3 with torch, numpy and onnxruntime' };

t.test("the script's forward pass and the graph in onnxruntime for Python agree", needsPython, async (t) => {
  const folder = t.testdir();
  await writeBundle(folder, config, script, job);
  const args = ['measure.py', '--device', 'cpu', '--documents', '3', '--seconds', '0'];
  const { stdout, stderr, status } = spawnSync('python3', args, { cwd: folder, encoding: 'utf8' });
  t.equal(status, 0, stderr);
  const result = JSON.parse(stdout) as {
    by_torch: Record<string, unknown>[];
    by_onnxruntime: Record<string, number>[];
  };
  t.match(result, { device: 'cpu', tokens_a_document: 70, by_torch: [{ by: 'torch eager', documents: 3 }] });
  const [found] = result.by_onnxruntime;
  t.match(found, { precision: 'float32', top_overlap: 1 });
  t.ok(found!['scaled_error']! < 1e-5);
  t.notOk((await readdir(folder)).includes('weights.bin'), 'its weights are gone');
});
