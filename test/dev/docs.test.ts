import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { terms } from '../../console/src/terms.ts';

const docs = readdirSync('docs', { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.md'));
const pages = ['README.md', 'CONTRIBUTING.md', ...docs.map((name) => `docs/${name}`)];

test('every picture that the documentation shows is there', () => {
  const shown = pages.flatMap((page) =>
    [...readFileSync(page, 'utf8').matchAll(/!\[[^\]]*\]\(([^)]+)\)/g)].map(([, file]) =>
      join(dirname(page), file ?? ''),
    ),
  );
  expect(shown.length).toBeGreaterThan(15);
  expect(shown.filter((file) => !existsSync(file))).toEqual([]);
});

test('every source file that the documentation names is there', () => {
  const named = pages.flatMap((page) =>
    [...readFileSync(page, 'utf8').matchAll(/`([a-zA-Z]+(?:\/[\w.-]+)+\.tsx?)`/g)].map(([, file]) => ({ page, file })),
  );
  expect(named.length).toBeGreaterThan(30);
  // The page about the console names its files from there.
  const roots = (page: string) => (page === 'docs/console.md' ? ['', 'console/', 'console/src/'] : ['']);
  const missing = named.filter(({ page, file }) => !roots(page).some((root) => existsSync(`${root}${file}`)));
  expect(missing).toEqual([]);
});

test('the glossary says the sentences that stand beside the console’s own words', () => {
  const glossary = readFileSync('docs/glossary.md', 'utf8');
  for (const words of [terms.held, terms.notCounted]) expect(glossary).toContain(words.slice(0, -1));
});
