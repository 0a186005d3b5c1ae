import { parentPort, workerData } from 'node:worker_threads';
import { env, InferenceSession, Tensor } from 'onnxruntime-node';
import type { FromThread, Outputs, RunRequest, ThreadSetup, ToThread } from './session-protocol.js';

/**
 * The thread that owns a model: loading and running block the thread they are called on. It ends when it is told to:
 * to be terminated in the middle of a run would abort the process.
 */
async function serve(): Promise<void> {
  const port = parentPort;
  if (port === null) throw new Error('this module is the entry of a worker thread');
  const send = (message: FromThread, moved: ArrayBuffer[] = []) => port.postMessage(message, moved);
  // Whatever matters is thrown too; a device that is merely tried would otherwise write to stderr.
  env.logLevel = 'fatal';
  const session = await createSession(workerData).catch((error: unknown) => {
    send({ kind: 'failed', id: null, error: asError(error) });
    return null;
  });
  if (session === null) return;
  // Runs one after the other: onnxruntime's `run` is asynchronous, and messages do not wait for it.
  let queue = Promise.resolve();
  port.on('message', (message: ToThread) => {
    queue = queue.then(async () => {
      if (message.kind === 'run') return answer(session, message.id, message.request, send);
      await session.release();
      port.close();
    });
  });
  send({ kind: 'opened' });
}

type Send = (message: FromThread, moved?: ArrayBuffer[]) => void;

async function answer(session: InferenceSession, id: number, request: RunRequest, send: Send): Promise<void> {
  try {
    const outputs = await run(session, request);
    const buffers = Object.values(outputs).map(({ buffer }) => buffer);
    send(
      { kind: 'result', id, outputs },
      buffers.filter((buffer) => buffer instanceof ArrayBuffer),
    );
  } catch (error) {
    send({ kind: 'failed', id, error: asError(error) });
  }
}

function createSession({ model, folder, device, threads }: ThreadSetup): Promise<InferenceSession> {
  const provider = device.provider === 'cuda' ? { name: 'cuda', deviceId: device.index } : device.provider;
  return InferenceSession.create(model, {
    executionProviders: [provider],
    logSeverityLevel: 4,
    extra: { session: { model_external_initializers_file_folder_path: folder } },
    ...(threads === null ? {} : { intraOpNumThreads: threads }),
  });
}

async function run(session: InferenceSession, request: RunRequest): Promise<Outputs> {
  const { ids, lengths, documents, length } = request;
  const feeds = {
    ids: new Tensor('int32', ids, [documents, length]),
    lengths: new Tensor('int32', lengths, [documents]),
  };
  const results = await session.run(feeds, request.outputs);
  const outputs: Record<string, Int32Array | Float32Array> = {};
  for (const name of request.outputs) {
    const data = results[name]?.data;
    if (!(data instanceof Int32Array || data instanceof Float32Array)) throw new Error(`no output ${name}`);
    outputs[name] = data;
  }
  return outputs;
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? new Error(thrown.message) : new Error(String(thrown));
}

await serve();
