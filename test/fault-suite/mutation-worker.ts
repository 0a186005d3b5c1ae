import { mkdir } from 'node:fs/promises';
import { messageOf, NagError } from '../../pipeline/errors.js';
import { subjects } from './mutation-subjects.js';
import { faultsOfText } from './scenario.js';

/** A case: what is mutated, and the seed of its faults. */
export interface Asked {
  readonly kind: string;
  readonly seed: number;
}

export interface Answer extends Asked {
  /** `accepted …`, `refused`, or undefined where there is a defect. */
  readonly outcome: string;
  readonly defect?: string;
}

/** Run as a process, with a folder of its own: tries the cases that its parent sends, one after another. */
const [, , folder = '.'] = process.argv;
const prepared = new Map<string, Promise<(seed: number) => Promise<string>>>();

async function answer({ kind, seed }: Asked): Promise<Answer> {
  const subject = subjects.get(kind);
  if (!subject) throw new Error(`nothing of kind ${kind}`);
  const own = `${folder}/${kind}`;
  const trial = prepared.get(kind) ?? mkdir(own, { recursive: true }).then(() => subject(own));
  prepared.set(kind, trial);
  const attempt = await trial;
  try {
    return { kind, seed, outcome: await attempt(seed) };
  } catch (thrown) {
    const text = messageOf(thrown);
    if (!(thrown instanceof NagError))
      return { kind, seed, outcome: 'failed', defect: `${nameOf(thrown)}: ${text}` };
    const [defect] = faultsOf(text, own);
    return { kind, seed, outcome: 'refused', ...(defect === undefined ? {} : { defect }) };
  }
}

/** A message for people: it says where, and nothing of the program's inside. */
function faultsOf(text: string, own: string): string[] {
  const faults = faultsOfText(text);
  if (text.length > 20_000) faults.push(`a message of ${text.length} characters: ${text.slice(0, 200)}`);
  if (!text.includes(own)) faults.push(`names no file: ${text.slice(0, 200)}`);
  return faults;
}

function nameOf(thrown: unknown): string {
  return thrown instanceof Error ? `${thrown.name} ${thrown.stack?.split('\n')[1]?.trim() ?? ''}` : 'thrown';
}

process.on('message', (asked: Asked) => {
  void answer(asked).then((told) => process.send?.(told));
});
process.on('disconnect', () => process.exit());
// An error outside of any call would be a crash of the program.
process.on('unhandledRejection', (reason) => {
  process.stderr.write(`unhandled: ${messageOf(reason)}\n`);
  process.exit(70);
});
