/**
 * `npm run doctor`, `worker`, `api`, `admin` and `migrate`: runs one of our programs. This is JavaScript, because production has
 * no TypeScript.
 *
 *   node dev/ours.js cli/doctor [--state DIR] [the program's own arguments]
 *
 * While a stack of `npm start` runs here and the environment names no other database, the program runs from the sources, as
 * the stack does, with the stack's settings. Otherwise it runs as it was built, with the environment that it is given.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const [program = '', ...rest] = process.argv.slice(2);
const at = rest.indexOf('--state');
const [, state = join(root, '.countersign')] = at < 0 ? [] : rest.splice(at, 2);
/** Of these the stack's own hold, whatever else is in the shell: they say where it is. Of all others the shell's hold. */
const where = /^(DATABASE_URL|DIRECT_DATABASE_URL|ENCRYPTION_KEYS|TEMPORAL_.*)$/;

const stack = stackHere();
const built = join(root, 'dist', `${program}.js`);
if (stack) {
  process.stderr.write(`With the stack of npm start in ${state}.\n`);
  for (const [name, value] of Object.entries(stack))
    if (where.test(name) || !process.env[name]) process.env[name] = value;
}
const file = !stack && existsSync(built) ? built : join(root, `${program}.ts`);
if (file.endsWith('.ts')) await readTypeScript();
process.argv.splice(1, process.argv.length - 1, file, ...rest);
await import(pathToFileURL(file).href);

/** @returns {Record<string, string> | undefined} the settings of the stack that runs here */
function stackHere() {
  const note = join(resolve(state), 'environment.json');
  if (!existsSync(note)) return undefined;
  const settings = JSON.parse(readFileSync(note, 'utf8'));
  const { DATABASE_URL: given } = process.env;
  if (given && given !== settings.DATABASE_URL) return undefined;
  // The stack's own api and worker have their ports, so further ones take any that are free.
  return program === 'api/main' || program === 'worker/main'
    ? { ...settings, API_PORT: '0', METRICS_PORT: '0' }
    : settings;
}

async function readTypeScript() {
  try {
    const { register } = await import('tsx/esm/api');
    register();
  } catch (error) {
    throw new Error(`${built} is not there: run npm run build first.`, { cause: error });
  }
}
