/** Something costly that is opened once and shared. */
interface Closable {
  close(): void | Promise<void>;
}

/** Sessions, tokenizers and the like: opened once per key, closed together at the end of the run, last first. */
export class Resources {
  readonly #opened = new Map<string, Promise<Closable>>();

  async get<T extends Closable>(key: string, open: () => Promise<T>): Promise<T> {
    const known = this.#opened.get(key);
    // A key names the type as well as the options: whoever opens under it gets back what it opened.
    if (known) return (await known) as T;
    const opening = open();
    this.#opened.set(key, opening);
    return await opening;
  }

  async close(): Promise<void> {
    for (const opening of [...this.#opened.values()].reverse()) {
      const resource = await opening.catch(() => undefined);
      await resource?.close();
    }
    this.#opened.clear();
  }
}
