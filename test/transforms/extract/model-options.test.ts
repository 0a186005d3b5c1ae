import t from 'tap';
import { z } from 'zod';
import {
  checkDevices,
  devicesOf,
  modelOptions,
  precisionOptions,
} from '../../../transforms/extract/model-options.js';

const schema = z.strictObject(modelOptions).superRefine(checkDevices);

/** What is wrong with these options, as `path: message`. */
function faults(options: Record<string, unknown>): string[] {
  const parsed = schema.safeParse({ model: 'model', ...options });
  return parsed.success
    ? []
    : parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
}

t.test('devices that go together', async (t) => {
  const good: [options: Record<string, unknown>, devices: string[]][] = [
    [{}, ['auto']],
    [{ device: 'cuda:3' }, ['cuda:3']],
    [{ devices: ['webgpu'] }, ['webgpu']],
    [{ devices: ['cuda', 'cuda:1'] }, ['cuda', 'cuda:1']],
    [{ devices: ['cpu', 'cpu'] }, ['cpu', 'cpu']],
    [{ device: 'auto', precision: 'float16' }, ['auto']],
    [{ devices: ['cuda:0', 'cuda:1'], precision: 'bfloat16' }, ['cuda:0', 'cuda:1']],
    [{ device: 'webgpu', precision: 'float16' }, ['webgpu']],
  ];
  for (const [options, devices] of good) {
    t.same(faults(options), [], JSON.stringify(options));
    t.same(devicesOf(schema.parse({ model: 'model', ...options })), devices);
  }
});

t.test('devices that do not', async (t) => {
  const bad: [options: Record<string, unknown>, fault: RegExp][] = [
    [{ device: 'cpu', devices: ['cpu'] }, /^devices: give either device or devices, not both$/],
    [{ devices: ['cuda:0', 'cpu'] }, /^devices: expected devices of one kind, .* found cuda and cpu$/],
    [{ devices: ['cuda', 'cuda:0'] }, /^devices: cuda:0 is named twice$/],
    [{ devices: ['webgpu', 'webgpu'] }, /^devices: webgpu is named twice$/],
    [{ devices: [] }, /^devices: /],
    [{ devices: ['auto'] }, /^devices.0: cpu, cuda, cuda:N or webgpu$/],
    [{ devices: ['gpu'] }, /^devices.0: cpu, cuda, cuda:N or webgpu$/],
    [
      { device: 'cpu', precision: 'float16' },
      /^precision: precision float16 is for GPUs .* use float32 or int8$/,
    ],
    [{ device: 'webgpu', precision: 'bfloat16' }, /^precision: WebGPU has no bfloat16/],
    [{ precision: 'half' }, /^precision: /],
  ];
  for (const [options, fault] of bad) t.match(faults(options), [fault], JSON.stringify(options));
});

t.test('int8 is for the CPU, which is what auto means then', async (t) => {
  const own = z.strictObject({ ...modelOptions, ...precisionOptions }).superRefine(checkDevices);
  const of = (options: Record<string, unknown>) => own.parse({ model: 'm', precision: 'int8', ...options });
  t.same(devicesOf(of({})), ['cpu']);
  t.same(devicesOf(of({ device: 'auto' })), ['cpu']);
  t.same(devicesOf(of({ devices: ['cpu', 'cpu'] })), ['cpu', 'cpu']);
  for (const device of ['cuda:1', 'webgpu']) t.throws(() => of({ device }), /precision int8 is for the CPU/);
  t.match(faults({ precision: 'int8' }), [/^precision: /], 'not for every stage');
});
