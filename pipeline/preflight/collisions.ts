import { basename, dirname, join, sep } from 'node:path';
import type { PathUse } from './path-uses.js';

/** Two uses of a path that cannot be together, told at the output. */
export interface Collision {
  readonly output: PathUse;
  readonly other: PathUse;
  /** Without the place. */
  readonly message: string;
}

/** What outputs would replace: inputs, other outputs, what is kept. Only paths are compared: nothing is looked up. */
export function collisions(uses: readonly PathUse[]): Collision[] {
  const outputs = uses.filter(({ role }) => role === 'writes');
  return outputs.flatMap((output, i) =>
    uses.flatMap((other): Collision[] => {
      if (other === output || (other.role === 'writes' && outputs.indexOf(other) < i)) return [];
      const message = collision(output, other);
      return message === undefined ? [] : [{ output, other, message: `${subject(output)} ${message}` }];
    }),
  );
}

function collision(output: PathUse, other: PathUse): string | undefined {
  if (other.role === 'reads') return withInput(output, other);
  if (other.role === 'writes') return withOutput(output, other);
  return withKept(output, other);
}

function withInput(output: PathUse, input: PathUse): string | undefined {
  const who = userText(input);
  if (input.path === output.path) return `is read by ${who}, and would replace it: choose another path`;
  if (isIn(fixedPart(input.path), output.path) || fixedPart(input.path) === output.path)
    return `is a folder from which ${who} reads (${input.path}), and would replace it: choose another path`;
  const files = [output.path, ...(output.fileNames ?? []).map((name) => join(output.path, name))];
  if (files.some((file) => input.takes?.(file, input.path))) return nextTime(input);
  return undefined;
}

export function nextTime(input: PathUse): string {
  return `would be read by ${userText(input)} the next time (${input.path}): choose a path outside what it reads`;
}

function withOutput(output: PathUse, other: PathUse): string | undefined {
  const remedy = 'outputs need paths of their own';
  if (output.path === other.path) return `is written by ${userText(other)} too: ${remedy}`;
  if (isIn(output.path, other.path))
    return `is inside the output ${other.path} of ${userText(other)}, which replaces it: ${remedy}`;
  if (isIn(other.path, output.path))
    return `is a folder in which ${userText(other)} writes ${other.path}, and would replace it: ${remedy}`;
  return undefined;
}

function withKept(output: PathUse, kept: PathUse): string | undefined {
  // Where settings write inside the state folder is the engine's own business, or the user's.
  const isSetting = output.place === undefined && !output.user.startsWith('stage ');
  if (kept.path === output.path || isIn(kept.path, output.path))
    return isSetting && kept.path === output.path && basename(output.path) === 'manifest.json'
      ? undefined
      : `is where ${userText(kept)} keeps things (${kept.path}), and would replace them: choose another path`;
  if (!isSetting && kept.open === false && isIn(output.path, kept.path))
    return `is inside ${kept.path}, where ${userText(kept)} keeps what may be deleted: choose another path`;
  return undefined;
}

export function subject({ user, path }: PathUse): string {
  return `${user}: the output ${path}`;
}

/** `stage "pool" (select.yaml:3:5)` */
export function userText({ user, place }: PathUse): string {
  return place === undefined ? user : `${user} (${place})`;
}

function isIn(path: string, folder: string): boolean {
  return path.startsWith(folder.endsWith(sep) ? folder : `${folder}${sep}`);
}

/** A path up to its first part that is a pattern. */
export function fixedPart(path: string): string {
  let fixed = path;
  while (/[*?[\]{}()!]/.test(fixed) && dirname(fixed) !== fixed) fixed = dirname(fixed);
  return fixed;
}
