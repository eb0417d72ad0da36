/**
 * `npm run docs:screenshots`: takes the pictures of the guides from the running product. The tests of the pages walk them anyway;
 * this runs those tests with SCREENSHOTS set, and keeps the pictures that a document shows.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const target = join(root, 'docs/images');
const documents = ['README.md', ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`)];
const wanted = new Set(
  documents
    .filter((name) => name.endsWith('.md'))
    .flatMap((name) => [...readFileSync(join(root, name), 'utf8').matchAll(/images\/((?:console\/)?[\w-]+\.png)/g)])
    .map(([, file]) => file ?? ''),
);

const taken = mkdtempSync(join(tmpdir(), 'countersign-screenshots-'));
try {
  const walks = ['guide', 'accountMapping', 'serviceMapping', 'reconcile', 'signingOff', 'monthEnd', 'operator'];
  const files = walks.map((name) => `test/browser/${name}.test.ts`);
  const { status } = spawnSync('npx', ['vitest', 'run', '--project', 'browser', '--project', 'chaos', ...files], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, SCREENSHOTS: taken },
  });
  // The tests keep their pictures in one folder.
  const pictureOf = (file: string) => join(taken, basename(file));
  const missing = [...wanted].filter((file) => !existsSync(pictureOf(file)));
  if (missing.length > 0) throw new Error(`No test has taken these pictures: ${missing.join(', ')}.`);
  rmSync(join(target, 'console'), { recursive: true, force: true });
  mkdirSync(join(target, 'console'), { recursive: true });
  for (const file of wanted) copyFileSync(pictureOf(file), join(target, file));
  process.stdout.write(`${wanted.size} pictures are in docs/images.\n`);
  process.exitCode = status ?? 1;
} finally {
  rmSync(taken, { recursive: true, force: true });
}
