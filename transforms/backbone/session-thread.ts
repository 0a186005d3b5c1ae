import './no-telemetry.js';
import { Worker } from 'node:worker_threads';
import { DeviceLost, messageOf, NagError } from '../../pipeline/errors.js';
import { modelFault } from './session-faults.js';
import type { FromThread, Outputs, RunRequest, ThreadSetup, ToThread } from './session-protocol.js';
import { deviceName } from './session-protocol.js';

interface Waiting {
  readonly resolve: (outputs: Outputs) => void;
  readonly reject: (error: Error) => void;
}

/** A loaded model in a thread of its own. It must be closed. */
export class SessionThread {
  readonly #worker: Worker;
  readonly #device: string;
  readonly #waiting = new Map<number, Waiting>();
  readonly #ended: Promise<void>;
  #nextId = 0;
  #closed = false;
  #failure: NagError | null = null;

  /**
   * @param worker a thread that speaks the session's protocol and has said `opened`
   * @param device where its model runs: for messages
   */
  constructor(worker: Worker, device: string) {
    this.#worker = worker;
    this.#device = device;
    worker.on('message', (message: FromThread) => this.#receive(message));
    worker.on('messageerror', (cause) =>
      this.#fail(new NagError('an answer of the model could not be read', { cause })),
    );
    worker.on('error', (cause) =>
      this.#fail(new DeviceLost(`the model's thread on ${device} failed: ${messageOf(cause)}`, { cause })),
    );
    this.#ended = new Promise((resolve) => {
      worker.once('exit', (code) => {
        this.#fail(new DeviceLost(`the model's thread on ${device} ended with code ${code}`));
        resolve();
      });
    });
  }

  /** @throws Error with onnxruntime's own message where the model cannot be loaded */
  static async open(setup: ThreadSetup): Promise<SessionThread> {
    // Nothing that the process preloads is of use to a model.
    const worker = new Worker(new URL('./session-worker.js', import.meta.url), {
      workerData: setup,
      execArgv: [],
    });
    await opened(worker);
    return new SessionThread(worker, deviceName(setup.device));
  }

  /** Queues a run. The arrays of the request move to the thread. */
  run(request: RunRequest): Promise<Outputs> {
    if (this.#closed) return Promise.reject(new NagError('the model is closed'));
    if (this.#failure !== null) return Promise.reject(this.#failure);
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#send({ kind: 'run', id, request }, [request.ids.buffer, request.lengths.buffer]);
    });
  }

  /** Ends the thread after the runs that are queued. */
  close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.#send({ kind: 'close' }, []);
    }
    return this.#ended;
  }

  #send(message: ToThread, moved: ArrayBuffer[]): void {
    this.#worker.postMessage(message, moved);
  }

  #receive(message: FromThread): void {
    if (message.kind === 'opened' || message.id === null) return;
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.kind === 'result') waiting?.resolve(message.outputs);
    else waiting?.reject(modelFault(message.error, this.#device));
  }

  #fail(failure: NagError): void {
    this.#failure ??= failure;
    for (const { reject } of this.#waiting.values()) reject(this.#failure);
    this.#waiting.clear();
  }
}

/** Waits until a new thread has loaded its model. */
function opened(worker: Worker): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => {
      worker.off('message', onMessage).off('error', onError).off('exit', onExit);
      act();
    };
    const onMessage = (message: FromThread) =>
      settle(() => (message.kind === 'failed' ? reject(message.error) : resolve()));
    const onError = (error: Error) => settle(() => reject(error));
    const onExit = (code: number) =>
      settle(() => reject(new DeviceLost(`its thread ended with code ${code}`)));
    worker.on('message', onMessage).on('error', onError).on('exit', onExit);
  });
}
