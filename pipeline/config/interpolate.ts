import type { Findings } from './findings.js';
import type { Resolved } from './params.js';
import { didYouMean, type Path } from './problems.js';

/**
 * Puts parameters into the scalars of a parsed document: `"${k}"` alone keeps the parameter's type, inside other
 * text it becomes text, `$${` stands for a literal `${`. Keys are never touched. What consists of a parameter that has
 * no value is left out, so that an option keeps its default.
 * @param onReference told of each value that begins with a parameter, and whether it is nothing else
 */
export function interpolate(
  document: unknown,
  values: ReadonlyMap<string, Resolved>,
  base: Path,
  findings: Findings,
  onReference?: (name: string, path: Path, whole: boolean) => void,
): unknown {
  const walk = (value: unknown, path: Path): unknown => {
    if (typeof value === 'string') {
      const [text, name] = /^\$\{([^{}]*)\}/.exec(value) ?? [];
      if (name !== undefined) onReference?.(name.trim(), path, text === value);
      return scalar(value, values, path, findings);
    }
    if (Array.isArray(value)) return value.map((item, i) => walk(item, [...path, i]));
    if (value === null || typeof value !== 'object') return value;
    const entries = Object.entries(value).map(([key, item]) => [key, walk(item, [...path, key])] as const);
    return Object.fromEntries(entries.filter(([, item]) => item !== undefined));
  };
  return walk(document, base);
}

/** Characters of a text with its parameters put in. */
const longest = 100_000;

/** `$${`, `${name}`, or a `${` that is never closed. */
const references = /\$\$\{|\$\{([^{}]*)\}|\$\{/g;

function scalar(
  text: string,
  values: ReadonlyMap<string, Resolved>,
  path: Path,
  findings: Findings,
): string | number | boolean | undefined {
  const fail = (message?: string) => {
    if (message !== undefined) findings.report({ path, message });
    findings.markFaulty(path);
    return undefined;
  };
  const lookup = (name: string) => {
    const value = values.get(name);
    if (value === undefined)
      fail(
        values.has(name)
          ? undefined
          : `\${${name}}: there is no such parameter${didYouMean(name, values.keys())}`,
      );
    return value;
  };
  const whole = /^\$\{([^{}]*)\}$/.exec(text);
  if (whole) return lookup(whole[1]!.trim()) ?? undefined;
  let length = 0;
  return text.replace(references, (match, inner: string | undefined) => {
    if (match === '$${') return '${';
    if (inner === undefined) {
      fail(`"\${" without "}": write "$\${" for these characters themselves`);
      return '';
    }
    const name = inner.trim();
    const value = lookup(name);
    if (value === null) fail(`\${${name}} has no value: give one with --set ${name}=…, or a default`);
    length += String(value ?? '').length;
    if (length > longest) fail(`becomes longer than ${longest} characters`);
    return length > longest ? '' : String(value ?? '');
  });
}
