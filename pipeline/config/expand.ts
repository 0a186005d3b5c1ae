import type { Findings } from './findings.js';
import { didYouMean, type Path } from './problems.js';
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
export function expandTemplates(shape: ConfigShape, findings: Findings): PlacedEntry[] {
  return shape.stages.flatMap((entry, i) => {
    const path: Path = ['stages', i];
    if (!checkUse(entry, path, findings) || entry.template === undefined) return [{ entry, path }];
    if (entry.with)
      findings.report({
        path: [...path, 'with'],
        message: 'a template takes no options: use params inside it',
      });
    if (Object.hasOwn(shape.templates, entry.template)) {
      const stages = shape.templates[entry.template] ?? [];
      return stages.map((stage, j) => member(stage, j, stages.length, entry, findings));
    }
    findings.report({
      path: [...path, 'template'],
      message: `there is no template "${entry.template}"${didYouMean(entry.template, Object.keys(shape.templates))}`,
    });
    return [{ entry, path }];
  });
}

function member(
  stage: StageEntry,
  index: number,
  count: number,
  caller: StageEntry,
  findings: Findings,
): PlacedEntry {
  const path: Path = ['templates', caller.template!, index];
  if (checkUse(stage, path, findings) && stage.template !== undefined) {
    const message = 'a template cannot use another template: write its stages here';
    findings.report({ path: [...path, 'template'], message });
  }
  const from = index === 0 && caller.from !== undefined ? { from: caller.from } : {};
  const id = index === count - 1 && caller.id !== undefined ? { id: caller.id } : {};
  return { entry: { ...stage, ...from, ...id }, path };
}

function checkUse(entry: StageEntry, path: Path, findings: Findings): boolean {
  if ((entry.use === undefined) !== (entry.template === undefined)) return true;
  // Where one of the two is faulty it is missing here only because of that.
  if (!findings.isTouched([...path, 'template'])) {
    const message = 'a stage has either "use" (a component) or "template" (a template\'s name)';
    findings.report({ path: [...path, 'use'], message });
  }
  return false;
}
