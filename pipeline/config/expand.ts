import { didYouMean, type Path, type Problem } from './problems.js';
import type { ConfigShape, StageEntry } from './shape.js';

/** A stage with the place in the file where it is written. */
export interface PlacedEntry {
  readonly entry: StageEntry;
  readonly path: Path;
}

/**
 * Replaces each `template:` entry by the template's stages. Its `from` goes to the first of them, its `id` to the last.
 * Templates hold components only: one level, so that a file reads as it runs.
 */
export function expandTemplates(shape: ConfigShape, problems: Problem[]): PlacedEntry[] {
  return shape.stages.flatMap((entry, i) => {
    const path: Path = ['stages', i];
    if (!hasOneUse(entry, path, problems)) return [];
    if (entry.template === undefined) return [{ entry, path }];
    if (entry.with)
      problems.push({
        path: [...path, 'with'],
        message: 'a template takes no options: use params inside it',
      });
    const stages = shape.templates[entry.template];
    if (!stages) {
      problems.push({
        path: [...path, 'template'],
        message: `there is no template "${entry.template}"${didYouMean(entry.template, Object.keys(shape.templates))}`,
      });
      return [];
    }
    return stages.flatMap((stage, j) => member(stage, j, stages.length, entry, problems));
  });
}

function member(
  stage: StageEntry,
  index: number,
  count: number,
  caller: StageEntry,
  problems: Problem[],
): PlacedEntry[] {
  const path: Path = ['templates', caller.template!, index];
  if (stage.template !== undefined) {
    problems.push({
      path: [...path, 'template'],
      message: 'a template cannot use another template: write its stages here',
    });
    return [];
  }
  if (!hasOneUse(stage, path, problems)) return [];
  const from = index === 0 && caller.from !== undefined ? { from: caller.from } : {};
  const id = index === count - 1 && caller.id !== undefined ? { id: caller.id } : {};
  return [{ entry: { ...stage, ...from, ...id }, path }];
}

function hasOneUse(entry: StageEntry, path: Path, problems: Problem[]): boolean {
  if ((entry.use === undefined) !== (entry.template === undefined)) return true;
  problems.push({
    path,
    message: 'a stage has either "use" (a component) or "template" (a template\'s name)',
  });
  return false;
}
