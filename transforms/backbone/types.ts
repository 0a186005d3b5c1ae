/** The outputs whose absolute values are measured, one kind of neuron each. */
export const neuronTypes = ['fwd_up', 'fwd_down', 'att_q', 'att_k', 'att_v', 'att_o'] as const;
export type NeuronType = (typeof neuronTypes)[number];

/** Element types of the weights that can be read, by their safetensors names. */
export const weightTypes = ['F32', 'F16', 'BF16'] as const;
export type WeightType = (typeof weightTypes)[number];

/** What matrices are multiplied in. Sums, norms and softmax are float32 in each. */
export const floatPrecisions = ['float32', 'float16', 'bfloat16'] as const;
export type FloatPrecision = (typeof floatPrecisions)[number];

/** int8: float32, but for weights and inputs of the linear layers, which are rounded to 8 bits. */
export const precisions = [...floatPrecisions, 'int8'] as const;
export type Precision = (typeof precisions)[number];

/** One tensor inside a .safetensors file. */
export interface Tensor {
  /** Name with the prefix `model.`, whether the file has that prefix or not. */
  readonly name: string;
  readonly dtype: WeightType;
  readonly shape: readonly number[];
  /** The file as found in the checkpoint's folder: for messages. */
  readonly file: string;
  /** The file with symbolic links resolved: for reading. */
  readonly realFile: string;
  /** First byte, counted from the file's start. */
  readonly offset: number;
  /** Length in bytes. */
  readonly bytes: number;
}

/** A model folder whose header was checked; the weights themselves are not in memory. */
export interface Checkpoint {
  readonly dir: string;
  readonly architecture: Architecture;
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** Its weight files as found in the folder, with symbolic links resolved. */
  readonly files: ReadonlyMap<string, string>;
}

/** Families of models, by the `model_type` of config.json. */
export const families = ['qwen3', 'llama', 'smollm3'] as const;
export type Family = (typeof families)[number];

/** Everything in config.json that changes the arithmetic of a decoder layer. */
export interface Architecture {
  readonly family: Family;
  readonly layers: number;
  readonly hidden: number;
  readonly intermediate: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly vocabulary: number;
  readonly normEpsilon: number;
  /** q and k are RMS-normed over each head before RoPE. */
  readonly headNorm: boolean;
  readonly attentionBias: boolean;
  readonly mlpBias: boolean;
  readonly rope: Rope;
  /** Per layer: whether q and k are rotated. */
  readonly ropeLayers: readonly boolean[];
  /** The longest sequence that the model was made for, and whose tokens all see one another: no window is shorter. */
  readonly maxPositions: number;
  /** Whether a sliding window is what limits them. */
  readonly windowed: boolean;
  /** Logits are made with the embedding; otherwise with a matrix of their own. Impacts do not depend on it. */
  readonly tiedHead: boolean;
}

/** Rotary position embedding. */
export interface Rope {
  readonly theta: number;
  readonly scaling: Llama3Scaling | null;
}

/** Options of `rope_type: llama3`. */
export interface Llama3Scaling {
  readonly factor: number;
  readonly lowFrequencyFactor: number;
  readonly highFrequencyFactor: number;
  readonly originalPositions: number;
}

/**
 * Neurons without effect, by layer: rows of `mlp.up_proj.weight` that count as zero (NAG.md §8). It has the form of its
 * JSON file, so that it can stand in a resource's key.
 */
export type Deactivation = Readonly<Record<number, readonly number[]>>;

/** Which model, which of its outputs, and where it runs. */
export interface SessionOptions {
  /** A HuggingFace model folder. */
  readonly model: string;
  readonly neurons: readonly NeuronType[];
  /** Only the first n layers. */
  readonly layers?: number;
  /** Per type the k of its `top` output; widths below k give the whole width. */
  readonly top?: Partial<Record<NeuronType, number>>;
  /** Types whose impacts leave the model whole. */
  readonly impacts?: readonly NeuronType[];
  /** Whether the probabilities of the documents' tokens leave the model. */
  readonly logProbabilities?: boolean;
  /** Neurons that are switched off: see `readDeactivation`, which checks that they are the model's. */
  readonly deactivate?: Deactivation;
  /** A file with the linear layers' weights as int8, made of this model: see `writeInt8Weights`. On the CPU only. */
  readonly int8?: string;
  /** Tokens of the longest document. */
  readonly maxLength: number;
  /** `cpu`, `cuda`, `cuda:1`, `webgpu`, or `auto`: CUDA where it opens, otherwise the CPU. */
  readonly device: string;
  /** By default float32. Others are for GPUs. */
  readonly precision?: FloatPrecision;
  /** Threads of one operator; by default one a physical core. */
  readonly threads?: number;
}

/** Documents without padding. */
export interface TokenBatch {
  /** Token ids of all documents, one after the other. */
  readonly ids: Int32Array;
  /** Tokens of each document, at least 1. */
  readonly lengths: Int32Array;
}

/** Outputs of a batch, for the types that the session's options name. */
export interface SessionResult {
  /** `[documents, layers, k]`, row-major: indices of the k largest impacts, largest first, ties by lower index. */
  readonly top: Partial<Record<NeuronType, Int32Array>>;
  /** `[documents, layers, width]`, row-major: mean absolute outputs. */
  readonly impacts: Partial<Record<NeuronType, Float32Array>>;
  /**
   * One array a document, one value a token but the first: the natural logarithm of the probability that the model
   * gives to the token after all those before it. Only where the session's options ask for it.
   */
  readonly logProbabilities?: readonly Float32Array[];
}

/** An opened model. Runs are queued in the order of the calls. It must be closed. */
export interface Session {
  readonly layers: number;
  readonly vocabulary: number;
  /** Where it runs: `cpu`, `cuda:0`, `webgpu`; of several devices `cuda:0, cuda:1`. */
  readonly device: string;
  /** Runs to have under way, so that no device waits for the next one. */
  readonly concurrency: number;
  /** Neurons a layer of this type. */
  width(type: NeuronType): number;
  /**
   * @throws NagError for documents that are empty, too long or hold ids outside the vocabulary, before the
   * model sees them; when the run fails; after close. OutOfMemory where fewer documents at once may fit; DeviceLost.
   */
  run(batch: TokenBatch): Promise<SessionResult>;
  /** Waits for the runs under way. */
  close(): Promise<void>;
}
