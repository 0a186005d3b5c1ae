import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { projectRoot } from '../../test/fixtures/paths.js';

const run = promisify(execFile);

/** Why Python cannot run something that needs these modules; undefined where it can. */
export async function pythonLacks(...modules: string[]): Promise<string | undefined> {
  for (const name of modules) {
    const found = await run('python3', ['-c', `import ${name}`]).catch(() => undefined);
    if (!found) return `python3 has no ${name}`;
  }
  return undefined;
}

/** `Python 3.11.7, torch 2.13.0, …`: of what measurements are compared with. */
export async function pythonVersions(): Promise<string> {
  const code = `
import sys, importlib.metadata as m
names = ['torch', 'transformers', 'numpy', 'pandas', 'pyarrow', 'duckdb']
print(', '.join(['Python ' + sys.version.split()[0]] + [n + ' ' + m.version(n) for n in names if m.packages_distributions().get(n)]))`;
  const found = await run('python3', ['-c', code]).catch(() => undefined);
  return found ? found.stdout.trim() : 'no Python';
}

/** One of the scripts in bench/python, which answers each line of JSON with another. */
export class PythonServer {
  readonly #child: ChildProcess;
  readonly #answers: AsyncIterator<string>;

  constructor(script: string, ...args: string[]) {
    this.#child = spawn('python3', [scriptFile(script), ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#answers = createInterface({ input: this.#child.stdout! })[Symbol.asyncIterator]();
  }

  async ask<T>(question: unknown): Promise<T> {
    this.#child.stdin!.write(`${JSON.stringify(question)}\n`);
    const { value, done } = await this.#answers.next();
    if (done) throw new Error('the Python script ended early');
    return JSON.parse(value) as T;
  }

  close(): void {
    this.#child.stdin!.end();
  }
}

/** Runs one of the scripts in bench/python to its end. @returns what it printed, and its seconds from start to end */
export async function runPython(
  script: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ stdout: string; seconds: number }> {
  const startedAt = performance.now();
  const { stdout } = await run('python3', [scriptFile(script), ...args], {
    env: { ...process.env, ...env },
    maxBuffer: 1e9,
  });
  return { stdout, seconds: (performance.now() - startedAt) / 1000 };
}

const scriptFile = (name: string) => join(projectRoot, 'bench', 'python', name);
