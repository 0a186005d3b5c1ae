/**
 * Test files for the arguments of the runner, out of all that are compiled.
 * @throws Error for a name that fits none or several
 */
export function filesOf(args: readonly string[], compiled: readonly string[]): string[] {
  const [first] = args;
  if (first === undefined) throw new Error('name test files: npm run test:one test/layout.test.ts');
  if (first === 'quick') return compiled.filter((file) => !isSlow(file));
  if (first === 'rest') return compiled.filter(isSlow);
  return args.map((name) => compiledFile(name, compiled));
}

/** Whether a test file belongs to `npm run test:all`: programs that are killed, large samples, an installation. */
function isSlow(file: string): boolean {
  return file.endsWith('.slow.test.js');
}

/** `test/a.test.ts`, `dist/test/a.test.js`, or the end of either. */
function compiledFile(name: string, compiled: readonly string[]): string {
  const wanted = name.replace(/^(\.\/)?(dist\/)?/, '').replace(/\.ts$/, '.js');
  const found = compiled.filter((file) => file === `dist/${wanted}` || file.endsWith(`/${wanted}`));
  if (found.length === 1) return found[0]!;
  if (found.length > 1) throw new Error(`${name} may be ${found.join(' or ')}`);
  throw new Error(`there is no test file ${name}; they are under test/ and end in .test.ts`);
}
