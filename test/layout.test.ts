import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, normalize } from 'node:path';
import t from 'tap';
import { projectRoot } from './fixtures/paths.js';

interface SourceFile {
  /** Path from the project's root. */
  readonly path: string;
  readonly lines: number;
  /** What it imports: paths from the root (`.ts`), or names of packages. Types count too: they are knowledge. */
  readonly imports: readonly string[];
  /** Those that are still there when it runs. */
  readonly atRuntime: readonly string[];
}

const files = ['pipeline', 'transforms', 'sinks', 'test', 'bench'].flatMap(sourcesIn);
const product = files.filter(({ path }) => /^(pipeline|transforms|sinks)\//.test(path));

/** Part of the product → what its files may import. The first that fits a path counts. */
const layers: readonly { part: RegExp; may: RegExp }[] = [
  { part: /^pipeline\/main\.ts$/, may: /^pipeline\/(cli\/|errors\.ts)/ },
  { part: /^pipeline\/cli\//, may: /^(pipeline\/|yargs$)/ },
  { part: /^pipeline\/builtins\.ts$/, may: /^(pipeline|transforms|sinks)\// },
  {
    part: /^pipeline\/config\//,
    may: /^(pipeline\/(config\/|component|describe-value|errors|nearest|registry)|zod$|yaml$|tinyglobby$)/,
  },
  {
    part: /^pipeline\/arrow\//,
    may: /^(pipeline\/(arrow\/|errors\.ts|publication\/)|apache-arrow$|parquet-wasm$)/,
  },
  { part: /^pipeline\/metrics\//, may: /^(pipeline\/(?!cli\/|builtins|main)|prom-client$)/ },
  {
    part: /^pipeline\//,
    may: /^(pipeline\/(?!cli\/|builtins|main)|apache-arrow$|zod$|highland$|leven$|p-limit$)/,
  },
  { part: /^transforms\/nag\//, may: /^transforms\/nag\// },
  {
    part: /^transforms\/backbone\//,
    may: /^(transforms\/(backbone|model-files)\/|pipeline\/errors\.ts|onnxruntime-node$|onnxruntime-common$)/,
  },
  {
    part: /^transforms\/tokenizer\//,
    may: /^(transforms\/(tokenizer|model-files)\/|pipeline\/errors\.ts|tokenizers$|zod$|p-limit$)/,
  },
  {
    part: /^transforms\/hub\//,
    may: /^(transforms\/(hub|model-files)\/|pipeline\/errors\.ts|@huggingface\/hub$)/,
  },
  { part: /^transforms\/model-files\//, may: /^transforms\/model-files\// },
  {
    part: /^transforms\/jsonl\//,
    may: /^(transforms\/(jsonl|reading)\/|pipeline\/(?!cli\/|builtins|main|config\/|run\.ts|plan|segment)|apache-arrow$|fzstd$|xxhash-wasm$)/,
  },
  {
    part: /^transforms\//,
    may: /^(transforms\/|pipeline\/(?!cli\/|builtins|main|config\/|run\.ts|plan|segment)|apache-arrow$|zod$|tinyglobby$|picomatch$|p-limit$)/,
  },
  {
    part: /^sinks\//,
    may: /^(sinks\/|transforms\/|pipeline\/(?!cli\/|builtins|main|config\/|run\.ts|plan|segment)|apache-arrow$|zod$|ml-matrix$|@resvg\/resvg-js$|@expo-google-fonts\/lato$)/,
  },
];

t.test('imports go one way', async (t) => {
  t.ok(product.length > 60, 'the sources are found');
  for (const { path, imports } of product) {
    const layer = layers.find(({ part }) => part.test(path));
    const wrong = imports.filter((name) => !layer?.may.test(name));
    if (wrong.length > 0) t.fail(`${path} imports ${wrong.join(', ')}`);
  }
});

t.test('a library has its one place', async (t) => {
  const places: Record<string, RegExp> = {
    '@expo-google-fonts/lato': /^sinks\/plot\/png\.ts$/,
    '@resvg/resvg-js': /^sinks\/plot\/png\.ts$/,
    '@huggingface/hub': /^transforms\/hub\//,
    fzstd: /^transforms\/jsonl\/zstd\.ts$/,
    highland: /^pipeline\/stream\.ts$/,
    'ml-matrix': /^sinks\/plot\/principal\.ts$/,
    'onnxruntime-node': /^transforms\/backbone\/session[\w-]*\.ts$/,
    'parquet-wasm': /^pipeline\/arrow\//,
    'prom-client': /^pipeline\/metrics\/exposition\.ts$/,
    tokenizers: /^transforms\/tokenizer\//,
    'xxhash-wasm': /^transforms\/jsonl\/zstd\.ts$/,
    yargs: /^pipeline\/cli\//,
    yaml: /^pipeline\/config\//,
  };
  for (const [library, place] of Object.entries(places)) {
    const users = product.filter(({ imports }) => imports.includes(library)).map(({ path }) => path);
    t.ok(users.length > 0, `${library} is used`);
    t.strictSame(
      users.filter((path) => !place.test(path)),
      [],
      library,
    );
  }
});

t.test('no cycle between files when they run', async (t) => {
  const imports = new Map(product.map((file) => [file.path, file.atRuntime]));
  const done = new Set<string>();
  const visit = (path: string, above: readonly string[]): void => {
    if (above.includes(path)) t.fail([...above.slice(above.indexOf(path)), path].join(' → '));
    else if (!done.has(path)) {
      for (const next of imports.get(path) ?? []) visit(next, [...above, path]);
      done.add(path);
    }
  };
  for (const path of imports.keys()) visit(path, []);
  t.ok(done.size >= product.length);
});

t.test('every import of the product is a file or a dependency', async (t) => {
  const manifest: unknown = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8'));
  const { dependencies } = manifest as { dependencies: Record<string, string> };
  const known = new Set([...files.map(({ path }) => path), ...Object.keys(dependencies)]);
  for (const { path, imports } of product)
    for (const name of imports) if (!known.has(name)) t.fail(`${path} imports ${name}, which is not there`);
  const used = new Set(product.flatMap(({ imports }) => imports));
  t.strictSame(
    Object.keys(dependencies).filter((name) => !used.has(name)),
    [],
    'no dependency is left over',
  );
});

t.test('no file is longer than 350 lines', async (t) => {
  t.strictSame(
    files.filter(({ lines }) => lines > 350).map(({ path, lines }) => `${path}: ${lines}`),
    [],
  );
});

t.test('a test stands where its source stands', async (t) => {
  const sources = new Set(product.map(({ path }) => path.replace(/\.ts$/, '')));
  const lost = files
    .filter(({ path }) => /^test\/(pipeline|transforms|sinks)\/.*\.test\.ts$/.test(path))
    .map(({ path }) => path.replace(/^test\//, '').replace(/(\.[\w-]+)?\.test\.ts$/, ''))
    .filter((path) => !sources.has(path) && !isFolder(path) && !path.endsWith('/golden'));
  t.strictSame(lost, []);
});

function isFolder(path: string): boolean {
  return product.some((file) => file.path.startsWith(`${path.replace(/\/[^/]*$/, '')}/`));
}

function sourcesIn(folder: string): SourceFile[] {
  return readdirSync(join(projectRoot, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => {
      const path = join(folder, name);
      const text = readFileSync(join(projectRoot, path), 'utf8');
      const untyped = text.replace(/^(import|export) type\b[^;]*;/gm, '');
      return {
        path,
        lines: text.split('\n').length - 1,
        imports: importsOf(text, dirname(path)),
        atRuntime: importsOf(untyped, dirname(path)),
      };
    });
}

/** `from 'x'`, `import 'x'`, `import('x')` and `import.meta.resolve('x/file')`; without modules of Node. */
function importsOf(text: string, folder: string): string[] {
  const found = text.matchAll(
    /(?:^(?:import|export)\b[^;'"`]*?\bfrom\s*|^import\s+|\bimport(?:\.meta\.resolve)?\()['"]([^'"]+)['"]/gm,
  );
  return [...found]
    .map((match) => match[1]!.replace(/^(@[^/]+\/[^/]+)\/.*/, '$1'))
    .filter((name) => !name.startsWith('node:') && !builtinModules.includes(name))
    .map((name) => (name.startsWith('.') ? normalize(join(folder, name)).replace(/\.js$/, '.ts') : name));
}
