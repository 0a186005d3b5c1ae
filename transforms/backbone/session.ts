import { messageOf, NagError } from '../../pipeline/errors.js';
import { widthOf } from './architecture.js';
import { openCheckpoint } from './checkpoint.js';
import { notFinite } from './damage.js';
import { requireFit } from './deactivation.js';
import { checksName, firstNotFinite } from './finite.js';
import type { GraphRequest, ModelGraph } from './graph.js';
import { buildGraph } from './graph.js';
import { logProbabilitiesName } from './head.js';
import { outputNames } from './impacts.js';
import { readInt8Weights } from './int8-weights.js';
import { requirePrecision, resolveDevice } from './session-device.js';
import { modelFault } from './session-faults.js';
import { type Device, deviceName, type Outputs } from './session-protocol.js';
import { type Measurable, testBatch, testDevice, tolerances } from './session-self-test.js';
import { SessionThread } from './session-thread.js';
import { padBatch, unpadRows } from './token-batch.js';
import type {
  Architecture,
  Checkpoint,
  FloatPrecision,
  NeuronType,
  Session,
  SessionOptions,
  SessionResult,
  TokenBatch,
} from './types.js';
import { neuronTypes } from './types.js';
import { allWeights, bodyWeights } from './weights.js';

export type { Session, SessionOptions, SessionResult, TokenBatch } from './types.js';

/** Runs of a GPU that are under way: while it computes one, the next one is prepared and sent. */
const runsAhead = 2;

/** Layers of the CPU's model that a device is compared with: SmolLM3's first layer without RoPE is the fourth. */
const testLayers = 4;

/**
 * Opens a model: checks its folder, writes its graph, loads it in a thread. On a GPU it is compared with the CPU first.
 * @throws DataError for what is wrong with the folder; NagError for wrong options, a device that cannot be opened or
 * that computes wrong numbers, and where onnxruntime cannot load the model
 */
export async function openSession(options: SessionOptions): Promise<Session> {
  const checkpoint = await openCheckpoint(options.model, options.logProbabilities ? allWeights : bodyWeights);
  const asked = graphRequest(options, checkpoint.architecture);
  const device = await resolveDevice(options.device);
  requirePrecision(options.int8 === undefined ? asked.precision : 'int8', device);
  const int8 = options.int8 && (await readInt8Weights(options.int8, checkpoint.architecture));
  const request = int8 ? { ...asked, int8 } : asked;
  const session = await openOn(device, checkpoint, request, options);
  if (device.provider === 'cpu') return session;
  try {
    await selfTest(session, device, checkpoint, request, options);
    return session;
  } catch (error) {
    await session.close();
    throw error;
  }
}

/** A session that can also give the impacts that its options do not ask for. */
type TestableSession = Session & Measurable;

type Request = Omit<GraphRequest, 'operators'> & { readonly precision: FloatPrecision };

function graphRequest(options: SessionOptions, architecture: Architecture): Request {
  const { maxPositions, windowed, layers: allLayers } = architecture;
  const layers = options.layers ?? allLayers;
  checkCount('layers', layers, allLayers, `${options.model} has ${allLayers}`);
  checkCount(
    'maxLength',
    options.maxLength,
    maxPositions,
    windowed
      ? `the sliding window of ${options.model}, below which its attention is full`
      : `${options.model} was made for ${maxPositions} positions`,
  );
  if (options.threads !== undefined) checkCount('threads', options.threads, 1024);
  checkTypes(
    'top',
    neuronTypes.filter((type) => options.top?.[type] !== undefined),
    options.neurons,
  );
  checkTypes('impacts', options.impacts ?? [], options.neurons);
  const top = new Map<NeuronType, number>();
  for (const type of options.neurons) {
    const k = options.top?.[type];
    if (k === undefined) continue;
    checkCount(`k of ${type}`, k);
    top.set(type, k);
  }
  const impacts = options.neurons.filter((type) => options.impacts?.includes(type));
  const { deactivate = {}, maxLength, logProbabilities = false, precision = 'float32' } = options;
  if (top.size + impacts.length === 0 && !logProbabilities)
    throw new NagError('a session without any output: no top, no impacts and no logProbabilities');
  if (logProbabilities && layers < allLayers)
    throw new NagError(`logProbabilities need all ${allLayers} layers, found ${layers}`);
  requireFit(deactivate, architecture);
  return { layers, top, impacts, logProbabilities, deactivate, maxLength, precision };
}

function checkTypes(output: string, types: readonly NeuronType[], neurons: readonly NeuronType[]): void {
  const other = types.find((type) => !neurons.includes(type));
  if (other === undefined) return;
  throw new NagError(`${output}: ${other} is not among the neurons ${neurons.join(', ')}`);
}

function checkCount(name: string, value: number, most = Number.MAX_SAFE_INTEGER, why?: string): void {
  if (Number.isSafeInteger(value) && value >= 1 && value <= most) return;
  const limit = why === undefined ? '' : ` and at most ${most} (${why})`;
  throw new NagError(`${name} must be a whole number of at least 1${limit}, found ${value}`);
}

async function openOn(
  device: Device,
  checkpoint: Checkpoint,
  request: Request,
  options: SessionOptions,
): Promise<TestableSession> {
  const onCpu = device.provider === 'cpu';
  const wanted = [...new Set([...request.top.keys(), ...request.impacts])];
  // On other devices every impact is an output, though fetched by the self-test alone.
  const impacts = onCpu ? request.impacts : wanted;
  const graph = buildGraph(checkpoint, { ...request, impacts, operators: onCpu ? 'cpu' : 'plain' });
  const setup = { model: graph.bytes, folder: graph.folder, device, threads: options.threads ?? null };
  const thread = await SessionThread.open(setup).catch((cause: unknown) => {
    const where = deviceName(device);
    throw new NagError(
      `${checkpoint.dir}: onnxruntime cannot load the model on ${where}: ${messageOf(cause)}`,
      { cause: modelFault(cause, where) },
    );
  });
  return overThread(thread, device, checkpoint, request, graph.checks);
}

function overThread(
  thread: SessionThread,
  device: Device,
  checkpoint: Checkpoint,
  request: Request,
  checks: ModelGraph['checks'],
): TestableSession {
  const { architecture } = checkpoint;
  const { vocabulary } = architecture;
  const limits = { vocabulary, maxLength: request.maxLength };
  const measure = async (batch: TokenBatch, impacts: readonly NeuronType[]) => {
    const padded = padBatch(batch, limits);
    const top = [...request.top.keys()];
    const heads = request.logProbabilities ? [logProbabilitiesName] : [];
    const outputs = [...top.map(outputNames.top), ...impacts.map(outputNames.impacts), ...heads, checksName];
    const found = padded.documents === 0 ? {} : await thread.run({ ...padded, outputs });
    const wrong = firstNotFinite(found[checksName], checks);
    if (wrong) {
      const { precision, deactivate = {}, logProbabilities } = request;
      const weights = (logProbabilities ? allWeights : bodyWeights)(architecture);
      throw await notFinite({ ...wrong, checkpoint, weights, deactivate, precision });
    }
    const result = sessionResult(found, top, impacts);
    if (!request.logProbabilities) return result;
    return { ...result, logProbabilities: unpadRows(found[logProbabilitiesName], batch.lengths) };
  };
  return {
    layers: request.layers,
    vocabulary,
    device: deviceName(device),
    concurrency: device.provider === 'cpu' ? 1 : runsAhead,
    width: (type) => widthOf(architecture, type),
    run: (batch) => measure(batch, request.impacts),
    measure,
    close: () => thread.close(),
  };
}

function sessionResult(
  outputs: Outputs,
  topTypes: readonly NeuronType[],
  impactTypes: readonly NeuronType[],
): SessionResult {
  const top: Partial<Record<NeuronType, Int32Array>> = {};
  const impacts: Partial<Record<NeuronType, Float32Array>> = {};
  for (const type of topTypes) {
    const found = outputs[outputNames.top(type)];
    top[type] = found instanceof Int32Array ? found : new Int32Array(0);
  }
  for (const type of impactTypes) {
    const found = outputs[outputNames.impacts(type)];
    impacts[type] = found instanceof Float32Array ? found : new Float32Array(0);
  }
  return { top, impacts };
}

/**
 * Runs the first layers on the CPU too, and compares. What the head gives depends on all layers: both then run a
 * model of the first ones.
 */
async function selfTest(
  session: TestableSession,
  device: Device,
  checkpoint: Checkpoint,
  request: Request,
  options: SessionOptions,
): Promise<void> {
  const wanted = [...new Set([...request.top.keys(), ...request.impacts])];
  const types: readonly NeuronType[] = wanted.length > 0 ? wanted : ['fwd_up'];
  const first = { ...request, layers: Math.min(testLayers, request.layers), impacts: types };
  const opened: TestableSession[] = [];
  const open = async (where: Device, precision: FloatPrecision) => {
    const made = await openOn(where, checkpoint, { ...first, precision }, options);
    opened.push(made);
    return made;
  };
  try {
    const tested = request.logProbabilities ? await open(device, request.precision) : session;
    const reference = await open({ provider: 'cpu', index: 0 }, 'float32');
    const batch = testBatch(session.vocabulary, request.maxLength);
    await testDevice(tested, reference, batch, types, tolerances[request.precision]);
  } finally {
    for (const made of opened) await made.close();
  }
}
