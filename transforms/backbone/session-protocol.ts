/** Where a model runs: a provider of onnxruntime, and which card of its kind. */
export interface Device {
  readonly provider: 'cpu' | 'cuda' | 'webgpu';
  readonly index: number;
}

/** `cpu`, `cuda:0`, `webgpu` */
export function deviceName({ provider, index }: Device): string {
  return provider === 'cuda' ? `cuda:${index}` : provider;
}

/** What a session's thread is started with. */
export interface ThreadSetup {
  /** ONNX protobuf. */
  readonly model: Uint8Array;
  /** The folder that the weights' locations start from. */
  readonly folder: string;
  readonly device: Device;
  readonly threads: number | null;
}

/** A matrix of ids, and the outputs to compute from it. */
export interface RunRequest {
  /** [documents, length] */
  readonly ids: Int32Array<ArrayBuffer>;
  readonly lengths: Int32Array<ArrayBuffer>;
  readonly documents: number;
  readonly length: number;
  readonly outputs: readonly string[];
}

/** Values of the model's outputs by name. */
export type Outputs = Readonly<Record<string, Int32Array | Float32Array>>;

/** Messages to the thread, answered in their order; `id` numbers the runs. */
export type ToThread =
  | { readonly kind: 'run'; readonly id: number; readonly request: RunRequest }
  | { readonly kind: 'close' };

/** `id` is that of the run; opening the model is reported without one. */
export type FromThread =
  | { readonly kind: 'opened' }
  | { readonly kind: 'result'; readonly id: number; readonly outputs: Outputs }
  | { readonly kind: 'failed'; readonly id: number | null; readonly error: Error };
