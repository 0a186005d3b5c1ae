/** Something costly that is opened once and shared. */
interface Closable {
  close(): void | Promise<void>;
}

/** Sessions, tokenizers and the like: opened once per key, and closed when no stage to come may want them. */
export class Resources {
  /** What is open, with the names of the components that asked for it. */
  readonly #opened = new Map<string, { opening: Promise<Closable>; users: Set<string> }>();

  async get<T extends Closable>(key: string, user: string, open: () => Promise<T>): Promise<T> {
    const known = this.#opened.get(key) ?? { opening: open(), users: new Set() };
    known.users.add(user);
    this.#opened.set(key, known);
    // A key names the type as well as the options: whoever opens under it gets back what it opened.
    return (await known.opening) as T;
  }

  /**
   * Closes what only others than these components have used, last opened first; without components everything.
   * Errors: the first that closing gave; the others are closed nevertheless.
   */
  async close(stillToCome: ReadonlySet<string> = new Set()): Promise<void> {
    const done = [...this.#opened].filter(
      ([, { users }]) => ![...users].some((user) => stillToCome.has(user)),
    );
    for (const [key] of done) this.#opened.delete(key);
    await closeAll(
      done.reverse().map(([, { opening }]) => async () => {
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
