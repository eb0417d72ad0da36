/** Builds the console into `console/dist`, when its sources have changed since the last build. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const folder = fileURLToPath(new URL('../../console', import.meta.url));
const sources = [
  'index.html',
  'package.json',
  'vite.config.ts',
  'budget.ts',
  'englishOnly.ts',
  'public',
  'src',
  '../package-lock.json',
];

/**
 * @param say progress, for a person
 * @returns the folder of the built files
 * @throws Error that names what does not build, or which page has become too heavy
 */
export async function buildConsole(say: (line: string) => void): Promise<string> {
  const built = join(folder, 'dist');
  const hash = hashOf(sources.map((name) => join(folder, name)));
  if (existsSync(join(built, 'index.html')) && readIfThere(join(built, '.sources')) === hash) return built;
  say('Console: building (a few seconds) …');
  // The files are built in another folder first, because an api that serves the old files must never find half of the new ones.
  const made = `${built}-${process.pid}`;
  const vite = join(createRequire(join(folder, 'package.json')).resolve('vite/package.json'), '../bin/vite.js');
  try {
    await promisify(execFile)(process.execPath, [vite, 'build', '--outDir', made, '--logLevel', 'warn'], {
      cwd: folder,
      // Vite takes the mode from the environment: in that of a test React Aria would show every row of a list, without width.
      env: { ...process.env, NODE_ENV: 'production' },
    });
    writeFileSync(join(made, '.sources'), hash);
    rmSync(built, { recursive: true, force: true });
    renameSync(made, built);
  } catch (error) {
    rmSync(made, { recursive: true, force: true });
    const said = (error as { stderr?: string }).stderr ?? '';
    throw new Error(`The console does not build. ${said}`, { cause: error });
  }
  return built;
}

function hashOf(paths: readonly string[]): string {
  const hash = createHash('sha256');
  for (const path of paths) {
    const inner = statSync(path).isDirectory()
      ? readdirSync(path, { recursive: true, encoding: 'utf8' }).toSorted()
      : [''];
    for (const name of inner) {
      const file = join(path, name);
      if (statSync(file).isFile()) hash.update(`${name}\0`).update(readFileSync(file)).update('\0');
    }
  }
  return hash.digest('hex');
}

function readIfThere(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}
