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

  /** Errors: the first that closing gave; the others are closed nevertheless. */
  async close(): Promise<void> {
    const opened = [...this.#opened.values()].reverse();
    this.#opened.clear();
    await closeAll(
      opened.map((opening) => async () => {
        const resource = await opening.catch(() => undefined);
        await resource?.close();
      }),
    );
  }
}

/** Closes one thing after the other, also where one cannot be closed; throws the first error at the end. */
export async function closeAll(closings: readonly (() => unknown)[]): Promise<void> {
  const errors: unknown[] = [];
  for (const close of closings) {
    try {
      await close();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
}
