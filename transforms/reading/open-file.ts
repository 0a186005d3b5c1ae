import { ParquetSource } from '../../pipeline/arrow/parquet-file.js';

/** A file that can be opened again: a row group that cannot be decoded takes the decoder with it. */
export class OpenFile {
  #source: ParquetSource | undefined;

  constructor(readonly path: string) {}

  async opened(): Promise<ParquetSource> {
    this.#source ??= await ParquetSource.open(this.path);
    return this.#source;
  }

  async close(): Promise<void> {
    const source = this.#source;
    this.#source = undefined;
    await source?.close();
  }
}

/** A file between two of its bundles: its footer, which may be long, is read once. */
export class IdleFile {
  #held: OpenFile | undefined;

  take(path: string): OpenFile {
    const held = this.#held;
    if (held?.path !== path) return new OpenFile(path);
    this.#held = undefined;
    return held;
  }

  async put(file: OpenFile): Promise<void> {
    await this.close();
    this.#held = file;
  }

  async close(): Promise<void> {
    const held = this.#held;
    this.#held = undefined;
    await held?.close();
  }
}
