import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, platform } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Runs when this package is installed as a dependency, before the scripts of its own dependencies. onnxruntime-node's
 * script downloads some hundred megabytes of CUDA libraries, from another place than npm's registry, and the whole
 * installation fails where that cannot be reached. It leaves alone what exists, so each missing file is written as a
 * line that says how to get it; onnxruntime takes it for no library, as if it were missing. Nothing is done where
 * CUDA was asked for, or where the user's project depends on onnxruntime-node itself.
 */
export function withoutDownload(packageDir: string, env: NodeJS.ProcessEnv): string[] {
  if (!packageDir.includes('node_modules') || isWanted(env)) return [];
  const require = createRequire(join(packageDir, 'package.json'));
  const root = dirname(dirname(require.resolve('onnxruntime-node')));
  const { requirements, manifests } = require(join(root, 'script/install-metadata.js')) as Metadata;
  const place = `${platform()}/${arch()}`;
  const files = (requirements[place] ?? [])
    .flatMap((name) => Object.keys(manifests[`${place}:${name}`] ?? {}))
    .map((name) => join(root, 'bin/napi-v6', place, name))
    .filter((file) => !existsSync(file));
  for (const file of files) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `Not a library: CUDA is not installed. To install it: ${installCuda}\n`);
  }
  return files;
}

const installCuda = 'ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild onnxruntime-node --ignore-scripts=false';

/** What `script/install-metadata.js` of onnxruntime-node says of its files, by platform. */
interface Metadata {
  readonly requirements: Readonly<Record<string, readonly string[]>>;
  readonly manifests: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

function isWanted(env: NodeJS.ProcessEnv): boolean {
  const flags = [
    'ONNXRUNTIME_NODE_INSTALL',
    'ONNXRUNTIME_NODE_INSTALL_CUDA',
    'npm_config_onnxruntime_node_install',
  ];
  if (flags.some((flag) => env[flag])) return true;
  const project = join(env['npm_config_local_prefix'] ?? '', 'package.json');
  if (!existsSync(project)) return false;
  const own = JSON.parse(readFileSync(project, 'utf8')) as Partial<Record<string, Record<string, string>>>;
  return ['dependencies', 'devDependencies', 'optionalDependencies'].some(
    (kind) => own[kind]?.['onnxruntime-node'] !== undefined,
  );
}

// As npm runs it. Nothing that goes wrong here may fail an installation that would succeed without.
if (process.env['npm_lifecycle_event'] === 'preinstall') {
  try {
    withoutDownload(join(dirname(fileURLToPath(import.meta.url)), '../..'), process.env);
  } catch {
    // onnxruntime-node's own script has the last word then.
  }
}
