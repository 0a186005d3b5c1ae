import type { Stage } from '../config/load.js';
import type { NagError } from '../errors.js';
import type { Plan } from '../plan.js';
import type { Chain } from '../preview.js';
import { configFault } from './finding.js';

/** What is known at a stage of the chain above it; undefined where nothing is. */
interface Above {
  readonly made: ReadonlySet<string>;
  /** What the source's files cannot hold. */
  readonly never: ReadonlySet<string>;
  /** Whether all columns of the files are read, be they asked for or not. */
  readonly whole: boolean;
}

/**
 * Stages that take what no stage above them makes, and no file can hold. Pure. Behind a stage that does not tell its part in
 * a chain nothing is judged, nor where several inputs meet.
 */
export function chainFaults(stages: readonly Stage[], plan: Plan): NagError[] {
  const known = new Map<string, Above | undefined>();
  const faults: NagError[] = [];
  for (const { id, component, inputs, place } of stages) {
    const { chain } = component;
    if (chain === undefined) continue;
    const [input, ...others] = inputs.main;
    const above =
      component.kind === 'source'
        ? sourceOf(id, chain, plan)
        : input === undefined || others.length > 0
          ? undefined
          : known.get(input);
    if (chain === 'through' || !above) {
      known.set(id, above);
      continue;
    }
    if (isLacking(chain, above)) {
      const message = `${component.name} needs ${chain.takes}, which no stage above it makes: ${chain.remedy}`;
      faults.push(configFault(place, message));
      // What only follows from it is not told.
      continue;
    }
    const made = chain.makes === undefined ? above.made : new Set([...above.made, chain.makes]);
    known.set(id, { ...above, made });
  }
  return faults;
}

function sourceOf(id: string, chain: Chain | 'through', { segments }: Plan): Above {
  const whole = segments.some(({ needs }) => needs.get(id)?.columns === 'all');
  const never = chain === 'through' ? [] : (chain.never ?? []);
  return { made: new Set(), never: new Set(never), whole };
}

function isLacking({ takes, after, fromFiles = false }: Chain, { made, never, whole }: Above): boolean {
  if (takes === undefined || made.has(takes)) return false;
  return (after !== undefined && made.has(after)) || never.has(takes) || !(fromFiles || whole);
}
