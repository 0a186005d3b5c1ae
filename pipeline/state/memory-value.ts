import { open } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { canonicalJson } from '../canonical-json.js';

/** Whose value it is. */
interface Owner {
  readonly stage: string;
  readonly name: string;
}

/** One call reads or writes no more: those of Node end at 2 GB. */
const chunkBytes = 1 << 26;
const headerBytes = 1 << 16;

/** Writes a file of a line of JSON (owner, length, CRC-32), and the value. It is on disk on return. */
export async function writeValue(file: string, owner: Owner, value: Uint8Array): Promise<void> {
  const handle = await open(file, 'w');
  try {
    await handle.writeFile(`${header(owner, value)}\n`);
    for (const chunk of chunksOf(value)) await handle.writeFile(chunk);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The value, in memory of its own; undefined where there is no file. */
export async function readValue(file: string, owner: Owner): Promise<Uint8Array | 'damaged' | undefined> {
  const handle = await open(file).catch((cause: unknown) => {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw cause;
  });
  if (!handle) return undefined;
  try {
    const { size } = await handle.stat();
    const head = Buffer.alloc(Math.min(size, headerBytes));
    await handle.read(head, 0, head.length, 0);
    const start = head.indexOf('\n') + 1;
    if (start === 0) return 'damaged';
    const value = new Uint8Array(size - start);
    for (let at = 0; at < value.length; ) {
      const length = Math.min(chunkBytes, value.length - at);
      const { bytesRead } = await handle.read(value, at, length, start + at);
      if (bytesRead === 0) return 'damaged';
      at += bytesRead;
    }
    const whole = head.toString('utf8', 0, start - 1) === header(owner, value);
    return whole ? value : 'damaged';
  } finally {
    await handle.close();
  }
}

function header({ stage, name }: Owner, value: Uint8Array): string {
  let checksum = 0;
  for (const chunk of chunksOf(value)) checksum = crc32(chunk, checksum);
  return canonicalJson({ format: 1, stage, name, bytes: value.length, crc32: checksum });
}

function* chunksOf(value: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < value.length; at += chunkBytes) yield value.subarray(at, at + chunkBytes);
}
