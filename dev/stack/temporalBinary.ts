/** Finds the Temporal development server, or downloads it, or builds it (design.md "The running system"). */
import { spawn } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

const cliVersion = '1.5.1';
const cliModule = `github.com/temporalio/cli/cmd/temporal@v${cliVersion}`;

/**
 * The folder of tools that npm does not install. It is outside the work tree, so that each is downloaded or built only once.
 */
export function cacheFolder(): string {
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'countersign');
}

export function cachedTemporal(): string {
  return join(cacheFolder(), `temporal-cli-${cliVersion}`, 'temporal');
}

/**
 * @param say progress, for a person
 * @returns path of a `temporal` binary
 * @throws Error that says what to install, when the binary is not found and cannot be downloaded or built
 */
export async function findTemporal(say: (line: string) => void): Promise<string> {
  const given = process.env['TEMPORAL_CLI_PATH'];
  if (given) {
    if (!isExecutable(given)) throw new Error(`TEMPORAL_CLI_PATH is ${given}, which is no program that can be run.`);
    return given;
  }
  const onPath = (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'temporal'))
    .find(isExecutable);
  if (onPath) return onPath;
  const cached = cachedTemporal();
  if (isExecutable(cached)) return cached;
  say('Temporal: not on this machine yet. Trying to download it (a few seconds, once) …');
  const downloaded = await download().catch(() => undefined);
  if (downloaded) return downloaded;
  return build(cached, say);
}

/**
 * Lets the SDK download the binary: the SDK starts a server for that, which is stopped again at once. Without a network it
 * fails after 45 ms.
 */
async function download(): Promise<string | undefined> {
  const { TestWorkflowEnvironment } = await import('@temporalio/testing');
  const folder = join(cachedTemporal(), '..', 'download');
  mkdirSync(folder, { recursive: true });
  const env = await TestWorkflowEnvironment.createLocal({
    server: { executable: { type: 'cached-download', downloadDir: folder, version: `v${cliVersion}` } },
  });
  await env.teardown();
  const { readdirSync } = await import('node:fs');
  return readdirSync(folder)
    .map((file) => join(folder, file))
    .find(isExecutable);
}

async function build(target: string, say: (line: string) => void): Promise<string> {
  const began = Date.now();
  say(
    `Temporal: building ${cliModule} with Go, because it could not be downloaded. Three to five minutes, once; kept in ${target}`,
  );
  const folder = mkdtempSync(join(tmpdir(), 'countersign-build-'));
  const beat = setInterval(
    () => say(`Temporal: still building (${Math.round((Date.now() - began) / 1000)} s of 180 to 300)`),
    20_000,
  );
  try {
    await goInstall(folder);
    const built = join(folder, 'temporal');
    if (!existsSync(built)) throw new Error('Go ended without an error but left no binary.');
    mkdirSync(join(target, '..'), { recursive: true });
    // When two programs build at once, the second rename replaces the first; both binaries are complete.
    const beside = `${target}.${process.pid}`;
    await copy(built, beside);
    renameSync(beside, target);
    say(`Temporal: built in ${Math.round((Date.now() - began) / 1000)} s`);
    return target;
  } finally {
    clearInterval(beat);
    rmSync(folder, { recursive: true, force: true });
  }
}

function goInstall(folder: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('go', ['install', cliModule], {
      env: { ...process.env, GOBIN: folder, GOFLAGS: '-buildvcs=false' },
      cwd: folder,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let tail = '';
    child.stderr.on('data', (chunk: Buffer) => {
      tail = (tail + chunk.toString('utf8')).slice(-2_000);
    });
    child.once('error', (cause) => {
      reject(
        new Error(
          'The Temporal server is not on this machine, could not be downloaded, and Go is not here to build it. Install the Temporal CLI or Go, or set TEMPORAL_ADDRESS to a server of yours.',
          { cause },
        ),
      );
    });
    child.once('exit', (code) =>
      code === 0
        ? resolve()
        : reject(new Error(`Building the Temporal server failed (go ended with ${code}):\n${tail}`)),
    );
  });
}

async function copy(from: string, to: string): Promise<void> {
  const { copyFile, chmod } = await import('node:fs/promises');
  await copyFile(from, to);
  await chmod(to, 0o755);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
