import type { Condition, Scalar } from '../reading/condition.js';
import type { ReadingOptions } from '../reading/options.js';
import { presets } from '../reading/roles.js';
import { templateColumns } from '../reading/text-template.js';
import { join, type Shape, shapeOf } from './infer.js';

/**
 * The columns of files without rows, as far as the options of their stage tell: those of the roles and of `where`.
 * @param known columns that are not from the files
 */
export function assumedFields(
  { format, columns, where }: ReadingOptions,
  known: ReadonlySet<string>,
): Map<string, Shape> {
  const preset = presets[format];
  const text = templateColumns(columns.text ?? preset.text ?? '');
  const found: [string, Shape][] = [
    ...[columns.docid ?? preset.docid, ...text].flatMap((path): [string, Shape][] =>
      path === undefined ? [] : [[path, { kind: 'string' }]],
    ),
    [columns.tokens ?? preset.tokens ?? '', shapeOf(0)],
    ...Object.entries(where).flatMap(([path, condition]): [string, Shape][] =>
      Object.hasOwn(preset, path) ? [] : [[path, shapeOf(exampleOf(condition))]],
    ),
  ];
  const shape = found.map(([path, own]) => nested(path.split('.'), own)).reduce(join);
  const fields = shape.kind === 'object' ? [...shape.fields] : [];
  return new Map(fields.filter(([name]) => !known.has(name)));
}

function nested(path: readonly string[], shape: Shape): Shape {
  return path.reduceRight<Shape>(
    (inner, name) => ({ kind: 'object', fields: new Map([[name, inner]]) }),
    shape,
  );
}

/** A value with which a condition compares; null where any would do. */
function exampleOf(condition: Condition): Scalar {
  if (condition === null || typeof condition !== 'object') return condition;
  if (Array.isArray(condition)) return firstOf(condition);
  const { min, max, not } = condition as Exclude<Condition, Scalar | Scalar[]>;
  return min ?? max ?? (Array.isArray(not) ? firstOf(not) : (not ?? null));
}

function firstOf(values: readonly Scalar[]): Scalar {
  return values.find((value) => value !== null) ?? null;
}
