import type { GraphRequest } from '../../../transforms/backbone/graph.js';
import { buildGraph } from '../../../transforms/backbone/graph.js';
import { outputNames } from '../../../transforms/backbone/impacts.js';
import { SessionThread } from '../../../transforms/backbone/session-thread.js';
import { padBatch } from '../../../transforms/backbone/token-batch.js';
import type { Checkpoint, NeuronType } from '../../../transforms/backbone/types.js';

export const cpu = { provider: 'cpu', index: 0 } as const;

/** Rows of an output: one array for each document and layer. */
export interface GraphResult {
  impacts(type: NeuronType, document: number, layer: number): number[];
  top(type: NeuronType, document: number, layer: number): number[];
}

/** A graph on the CPU, with whichever operators. */
export interface OpenGraph {
  run(documents: readonly (readonly number[])[]): Promise<GraphResult>;
  close(): Promise<void>;
}

/** `maxLength`, by default 128, decides how impacts are summed. */
type Request = Omit<GraphRequest, 'maxLength'> & { readonly maxLength?: number };

export async function openGraph(checkpoint: Checkpoint, request: Request, threads = 1): Promise<OpenGraph> {
  const { maxLength = 128 } = request;
  const graph = buildGraph(checkpoint, { ...request, maxLength });
  const thread = await SessionThread.open({
    model: graph.bytes,
    folder: graph.folder,
    device: cpu,
    threads,
  });
  const limits = { vocabulary: checkpoint.architecture.vocabulary, maxLength };
  const names = [
    ...request.impacts.map(outputNames.impacts),
    ...[...request.top.keys()].map(outputNames.top),
  ];
  const run = async (documents: readonly (readonly number[])[]): Promise<GraphResult> => {
    const batch = {
      ids: Int32Array.from(documents.flat()),
      lengths: Int32Array.from(documents, (d) => d.length),
    };
    const outputs = await thread.run({ ...padBatch(batch, limits), outputs: names });
    const row = (name: string, document: number, layer: number) => {
      const values = outputs[name];
      if (values === undefined) throw new Error(`no output ${name}`);
      const width = values.length / (documents.length * request.layers);
      const start = (document * request.layers + layer) * width;
      return Array.from(values.subarray(start, start + width));
    };
    return {
      impacts: (type, document, layer) => row(outputNames.impacts(type), document, layer),
      top: (type, document, layer) => row(outputNames.top(type), document, layer),
    };
  };
  return { run, close: () => thread.close() };
}

/** Opens a graph for one run. */
export async function runGraph(
  checkpoint: Checkpoint,
  request: Request,
  documents: readonly (readonly number[])[],
): Promise<GraphResult> {
  const graph = await openGraph(checkpoint, request);
  try {
    return await graph.run(documents);
  } finally {
    await graph.close();
  }
}

/** Documents of the lengths given, with ids that the whole vocabulary gets its share of. */
export function randomDocuments(lengths: readonly number[], vocabulary: number): number[][] {
  let state = 2463534242;
  return lengths.map((length) =>
    Array.from({ length }, () => {
      // Marsaglia's xorshift32
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return (state >>> 0) % vocabulary;
    }),
  );
}

/** The indices of the k largest values, largest first, equal ones by lower index. */
export function sortedTop(values: readonly number[], k: number): number[] {
  return [...values.keys()].sort((a, b) => (values[b] ?? 0) - (values[a] ?? 0) || a - b).slice(0, k);
}
