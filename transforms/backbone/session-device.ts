import './no-telemetry.js';
import { messageOf, NagError } from '../../pipeline/errors.js';
import { addInput, addNodeTo, addOutput, createGraph, encodeModel, onnxType } from './onnx.js';
import { modelFault } from './session-faults.js';
import { type Device, deviceName } from './session-protocol.js';
import { SessionThread } from './session-thread.js';
import type { Precision } from './types.js';

const cpu: Device = { provider: 'cpu', index: 0 };

/**
 * Finds the device that a name means, and proves that it opens. `auto` is CUDA where that opens, otherwise the CPU;
 * a device asked for by name is never replaced.
 * @throws NagError for an unknown name, and for a device that cannot be opened, with what there is instead
 */
export async function resolveDevice(name: string): Promise<Device> {
  const devices = await candidates(name);
  let failure: NagError | undefined;
  for (const device of devices) {
    try {
      await probe(device);
      return device;
    } catch (cause) {
      failure = await cannotOpen(device, cause);
    }
  }
  throw failure ?? unknown(name);
}

async function candidates(name: string): Promise<Device[]> {
  const cuda = /^cuda(?::(\d{1,3}))?$/.exec(name);
  if (cuda !== null) return [{ provider: 'cuda', index: Number(cuda[1] ?? 0) }];
  if (name === 'cpu') return [cpu];
  if (name === 'webgpu') return [{ provider: 'webgpu', index: 0 }];
  if (name !== 'auto') throw unknown(name);
  const listed = (await backends()).some((backend) => backend.name === 'cuda');
  return listed ? [{ provider: 'cuda', index: 0 }, cpu] : [cpu];
}

/** The library is loaded when it is needed: commands that only look at a configuration start without. */
async function backends() {
  const { listSupportedBackends } = await import('onnxruntime-node');
  return listSupportedBackends();
}

/** The kind that a device's name says: `cuda` of `cuda:1`. `auto` may be any. */
export function kindOf(name: string): Device['provider'] | 'auto' {
  if (name.startsWith('cuda')) return 'cuda';
  return name === 'cpu' || name === 'webgpu' ? name : 'auto';
}

/** @throws NagError where a kind of device does not have what a precision needs */
export function requirePrecision(precision: Precision, { provider }: Device): void {
  const fault = precisionFault(precision, provider);
  if (fault !== undefined) throw new NagError(fault);
}

/** Why a precision cannot be had on a kind of device; undefined where it can. */
export function precisionFault(precision: Precision, provider: Device['provider']): string | undefined {
  if (precision === 'int8')
    return provider === 'cpu'
      ? undefined
      : 'precision int8 is for the CPU: set device: cpu, or precision: float32';
  if (provider === 'cpu' && precision !== 'float32')
    return `precision ${precision} is for GPUs (device cuda or webgpu); on the CPU, use float32 or int8`;
  if (provider === 'webgpu' && precision === 'bfloat16')
    return 'WebGPU has no bfloat16: use precision float16 or float32';
  return undefined;
}

/** Opens a model of one node: a provider's libraries are only looked for when it is used. */
async function probe(device: Device): Promise<void> {
  if (device.provider === 'cpu') return;
  const graph = createGraph();
  addInput(graph, 'x', onnxType.float, [1]);
  addNodeTo(graph, 'Identity', ['x'], ['y']);
  addOutput(graph, 'y', onnxType.float, [1]);
  const thread = await SessionThread.open({ model: encodeModel(graph), folder: '.', device, threads: 1 });
  await thread.close();
}

async function cannotOpen(device: Device, cause: unknown): Promise<NagError> {
  const present = (await backends()).filter((backend) => backend.bundled);
  const names = present.map((backend) => backend.name).join(', ');
  const advice =
    device.provider === 'cuda'
      ? 'CUDA is added by `ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild onnxruntime-node --ignore-scripts=false`, beside CUDA 12 and cuDNN 9'
      : 'WebGPU needs a graphics driver (on Linux also libvulkan1)';
  return new NagError(
    `device ${deviceName(device)} cannot be opened: ${messageOf(cause).trim()}. ` +
      `This installation of onnxruntime-node contains: ${names}. ${advice}.`,
    { cause: modelFault(cause, deviceName(device)) },
  );
}

function unknown(name: string): NagError {
  return new NagError(`device "${name}" is unknown; expected cpu, cuda, cuda:<number>, webgpu or auto`);
}
