import { createReadStream } from 'node:fs';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { DataError, messageOf } from '../pipeline/errors.js';

/**
 * Reads a written file of lines back, unpacked where its name ends in .gz. `target` is what the user knows it as.
 * Errors: DataError when it holds other than `rows` whole lines, or does not unpack.
 */
export async function verifyLines(path: string, rows: number, target: string): Promise<void> {
  let [lines, last] = [0, newline];
  const counting = new Writable({
    write(chunk: Uint8Array, _encoding, done) {
      for (let at = chunk.indexOf(newline); at >= 0; at = chunk.indexOf(newline, at + 1)) lines++;
      last = chunk.at(-1) ?? last;
      done();
    },
  });
  const file = createReadStream(path, { highWaterMark: 1 << 20 });
  const read = path.endsWith('.gz') ? pipeline(file, createGunzip(), counting) : pipeline(file, counting);
  await read.catch((cause: unknown) => {
    const message = `was not written: it does not read back (${messageOf(cause)})`;
    throw new DataError({ file: target }, message, { cause });
  });
  if (lines === rows && last === newline) return;
  const found = `${lines} whole lines${last === newline ? '' : ' and a part of one'}`;
  throw new DataError({ file: target }, `was not written: ${rows} rows went in, ${found} read back`);
}

const newline = 0x0a;
