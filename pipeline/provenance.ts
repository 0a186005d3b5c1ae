import type { Plan } from './plan.js';

/**
 * Facts about how results are made. What a stage says is known to it and to all stages below it, also by way of a side
 * input, and so is in the footers of their outputs; of two that say different things the one further down counts.
 */
export class Provenance {
  /** All that was said; where stages say different things, those of later ones are named `<key>.<stage>`. */
  readonly all: Map<string, string>;
  readonly #facts: ReadonlyMap<string, Facts>;

  constructor({ nodes }: Plan, given: ReadonlyMap<string, string> = new Map()) {
    this.all = new Map(given);
    const facts = new Map([...nodes.keys()].map((id) => [id, new Facts(id, given, this.all)]));
    for (const { id, inputs } of nodes.values())
      for (const above of [...inputs.main, ...[...inputs.sides.values()].flat()])
        facts.get(above)?.below.push(facts.get(id)!);
    this.#facts = facts;
  }

  /** What is known to a stage; what it sets is known below it too. */
  of(id: string): Map<string, string> {
    const facts = this.#facts.get(id);
    if (!facts) throw new TypeError(`${id} is no stage of the plan`);
    return facts;
  }
}

/** What is known to a stage. */
class Facts extends Map<string, string> {
  readonly below: Facts[] = [];

  constructor(
    readonly id: string,
    given: ReadonlyMap<string, string>,
    readonly all: Map<string, string>,
  ) {
    super();
    for (const [key, value] of given) super.set(key, value);
  }

  override set(key: string, value: string): this {
    if (this.get(key) === value) return this;
    const known = this.all.get(key);
    this.all.set(known === undefined || known === value ? key : `${key}.${this.id}`, value);
    this.#learn(key, value);
    return this;
  }

  #learn(key: string, value: string): void {
    super.set(key, value);
    for (const facts of this.below) facts.#learn(key, value);
  }
}
