/** Finds or installs schemathesis, which fuzzes an API by its OpenAPI document, and runs it. */
import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from '../../dev/stack/temporalBinary.ts';

const version = '4.32.5';
/** Hypothesis is pinned, too, because a seed makes the same requests only with the same version. */
const packages = [`schemathesis==${version}`, 'hypothesis==6.170.17'];
const execute = promisify(execFile);

/** Exits with 0 if this Python is new enough and can make a virtual environment (Debian has a separate package for that). */
const canMakeEnvironments = 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))';
const whatToInstall =
  'The fuzz of the Vendor API needs Python 3.10 or newer with its venv module, on PATH as `python3`. Install it (Debian and Ubuntu: `apt-get install python3 python3-venv`) and run the test again.';

/**
 * Finds the Python of a virtual environment that has schemathesis. The environment is kept in the cache folder by version, and
 * made if it is missing.
 *
 * @param say reports progress to a person
 * @returns the path of its `python`
 * @throws Error that says what to install when there is no Python, or that has pip's output when pip failed
 */
export async function findSchemathesis(say: (line: string) => void): Promise<string> {
  const target = join(cacheFolder(), `schemathesis-${version}`);
  const python = join(target, 'bin', 'python');
  if (await succeeds(python, ['-c', 'import schemathesis'])) return python;
  const began = Date.now();
  say(`Schemathesis: not on this machine yet. Installing it into ${target} (about half a minute, once) …`);
  const beat = setInterval(
    () => say(`Schemathesis: still installing (${Math.round((Date.now() - began) / 1000)} s)`),
    20_000,
  );
  mkdirSync(cacheFolder(), { recursive: true });
  // Made beside the target and then renamed, which is atomic: of two that are made at once the first one stays.
  const made = mkdtempSync(`${target}.`);
  try {
    await install(made, say);
    if (existsSync(target) && !(await succeeds(python, ['-c', 'import schemathesis'])))
      // The Python of the old environment is gone or was replaced.
      rmSync(target, { recursive: true, force: true });
    try {
      renameSync(made, target);
    } catch (error) {
      if (!(await succeeds(python, ['-c', 'import schemathesis']))) throw error;
    }
    say(`Schemathesis: installed in ${Math.round((Date.now() - began) / 1000)} s`);
    return python;
  } finally {
    clearInterval(beat);
    rmSync(made, { recursive: true, force: true });
  }
}

export interface FuzzOptions {
  /** Path of the OpenAPI document. */
  document: string;
  url: string;
  headers: Record<string, string>;
  checks: readonly string[];
  /** The most requests per operation in each phase; the phase coverage ignores it. */
  examples: number;
  phases: readonly string[];
  /** `positive` sends only requests that fit the document; without it also others. */
  mode?: 'positive';
  seed: string;
  limitMs: number;
}

export interface Fuzzed {
  good: boolean;
  output: string;
  /** The requests and answers as an HTTP archive (JSON). */
  traffic: string;
}

/**
 * Runs schemathesis against a server.
 *
 * @returns whether every check held, what it printed, and everything that was sent and answered
 * @throws Error when it did not run to its end
 */
export async function fuzz(python: string, options: FuzzOptions): Promise<Fuzzed> {
  const headers = Object.entries(options.headers).flatMap(([name, value]) => ['--header', `${name}: ${value}`]);
  // Run as a module, because the environment's scripts hold the path from before the rename.
  const args = ['-m', 'schemathesis.cli', 'run', options.document, '--url', options.url, ...headers];
  args.push('--checks', options.checks.join(','), '--phases', options.phases.join(','));
  args.push('--max-examples', String(options.examples), '--seed', options.seed, '--continue-on-failure', '--no-color');
  // Failures are reproduced by their seed, so schemathesis does not remember them.
  args.push('--generation-database', 'none', '--mode', options.mode ?? 'all');
  const folder = mkdtempSync(join(tmpdir(), 'countersign-fuzz-'));
  const archive = join(folder, 'traffic.har');
  args.push('--report', 'har', '--report-har-path', archive);
  try {
    const { stdout } = await execute(python, args, {
      cwd: folder,
      timeout: options.limitMs,
      maxBuffer: 100_000_000,
    });
    return { good: true, output: stdout, traffic: readFileSync(archive, 'utf8') };
  } catch (error) {
    const { code, stdout = '', stderr = '' } = error as { code?: unknown; stdout?: string; stderr?: string };
    // Exit code 1 means that a check failed; 2 and more, or a signal, that it did not run.
    if (code === 1 && stdout.includes('SUMMARY'))
      return { good: false, output: stdout, traffic: readFileSync(archive, 'utf8') };
    throw new Error(`Schemathesis did not run to its end (${String(code)}):\n${shortened(stdout + stderr)}`, {
      cause: error,
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Shortens long lines of the output, which hold whole bodies. */
export function shortened(output: string): string {
  return output
    .split('\n')
    .map((line) => (line.length > 1_000 ? `${line.slice(0, 1_000)} …` : line))
    .join('\n');
}

async function install(folder: string, say: (line: string) => void): Promise<void> {
  const base = (await findPython()) ?? (await installPython(say));
  try {
    await execute(base, ['-m', 'venv', folder]);
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...packages];
    await execute(join(folder, 'bin', 'python'), pip);
  } catch (error) {
    throw new Error(`Installing schemathesis ${version} with ${base} failed:\n${outputOf(error)}`, { cause: error });
  }
}

async function findPython(): Promise<string | undefined> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const candidate = join(folder, 'python3');
    if (await succeeds(candidate, ['-c', canMakeEnvironments])) return candidate;
  }
}

async function installPython(say: (line: string) => void): Promise<string> {
  if (process.getuid?.() !== 0 || !existsSync('/etc/debian_version')) throw new Error(whatToInstall);
  say('Schemathesis: there is no Python that can be used. Installing it with apt-get (about a minute, once) …');
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  try {
    await execute('apt-get', ['update'], { env });
    await execute('apt-get', ['install', '-y', 'python3', 'python3-venv'], { env });
  } catch (error) {
    throw new Error(`${whatToInstall} apt-get failed here:\n${outputOf(error)}`, { cause: error });
  }
  const python = await findPython();
  if (!python) throw new Error(whatToInstall);
  return python;
}

/** The end of the output of a program that failed; or why it did not start. */
function outputOf(error: unknown): string {
  const { stderr } = error as { stderr?: string };
  return stderr ? stderr.slice(-2_000) : String(error);
}

async function succeeds(program: string, args: readonly string[]): Promise<boolean> {
  try {
    accessSync(program, constants.X_OK);
    await execute(program, args);
    return true;
  } catch {
    return false;
  }
}
