import { ExternalSort } from '../../pipeline/external-sort.js';
import { compareBytes } from '../nag/docid.js';
import { decodeKey, encodeKey } from '../nag/keys.js';

/**
 * Which of these are the first with their docid: 1, all others 0. Memory is bounded: docids are sorted, on disk if need be.
 */
export async function firstOfEach(
  docids: Iterable<Uint8Array>,
  count: number,
  options: { readonly tempDir: string; readonly memoryBytes: number },
): Promise<Uint8Array> {
  const first = new Uint8Array(count);
  const { tempDir: dir, memoryBytes } = options;
  const sort = new ExternalSort({ dir, memoryBytes, compare: compareBytes });
  try {
    let place = 0;
    for (const docid of docids) {
      const writing = sort.add(encodeKey(0, docid, 0, place++));
      if (writing) await writing;
    }
    let last: Uint8Array | undefined;
    for await (const bytes of sort.sorted()) {
      const { docid, order } = decodeKey(bytes);
      if (last && compareBytes(last, docid) === 0) continue;
      first[order] = 1;
      last = docid;
    }
  } finally {
    await sort.close();
  }
  return first;
}
