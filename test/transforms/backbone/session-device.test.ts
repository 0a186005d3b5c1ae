import '../../../transforms/backbone/no-telemetry.js';
import { listSupportedBackends } from 'onnxruntime-node';
import t from 'tap';
import { requirePrecision, resolveDevice } from '../../../transforms/backbone/session-device.js';
import { deviceName } from '../../../transforms/backbone/session-protocol.js';

t.test('names', async (t) => {
  t.same(await resolveDevice('cpu'), { provider: 'cpu', index: 0 });
  t.equal(deviceName({ provider: 'cpu', index: 0 }), 'cpu');
  t.equal(deviceName({ provider: 'cuda', index: 2 }), 'cuda:2');
  t.equal(deviceName({ provider: 'webgpu', index: 0 }), 'webgpu');
});

t.test('auto finds a device, and never WebGPU', async (t) => {
  t.match(deviceName(await resolveDevice('auto')), /^(cpu|cuda:0)$/);
});

t.test('unknown names are refused with the known ones', async (t) => {
  for (const name of ['gpu', 'cuda:x', 'cuda:', 'cuda:-1', 'webgpu:1', 'CPU', '']) {
    const message = `device "${name}" is unknown; expected cpu, cuda, cuda:<number>, webgpu or auto`;
    await t.rejects(resolveDevice(name), { name: 'NagError', message }, name);
  }
});

t.test('a device that is not there is an error that says what is, never another device', async (t) => {
  // No machine has so many cards.
  const error = await resolveDevice('cuda:999').catch((thrown: unknown) => thrown);
  const [first] = listSupportedBackends();
  t.match(error, { name: 'NagError', message: /^device cuda:999 cannot be opened: ./ });
  t.match(error, { message: new RegExp(`contains: ${first?.name}`) });
  t.match(error, {
    message: /ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild onnxruntime-node --ignore-scripts=false/,
    cause: Error,
  });
});

t.test('what a kind of device does not have', async (t) => {
  const [cpu, cuda, webgpu] = (['cpu', 'cuda', 'webgpu'] as const).map((provider) => ({
    provider,
    index: 0,
  }));
  for (const device of [cpu!, cuda!, webgpu!]) t.doesNotThrow(() => requirePrecision('float32', device));
  for (const device of [cuda!, webgpu!]) t.doesNotThrow(() => requirePrecision('float16', device));
  t.doesNotThrow(() => requirePrecision('bfloat16', cuda!));
  const onCpu = /precision \w+ is for GPUs \(device cuda or webgpu\); on the CPU, use float32 or int8/;
  t.throws(() => requirePrecision('float16', cpu!), { name: 'NagError', message: onCpu });
  t.throws(() => requirePrecision('bfloat16', cpu!), { message: onCpu });
  t.throws(() => requirePrecision('bfloat16', webgpu!), { message: /use precision float16 or float32/ });
});
