/** What a page may cost, and the compressed files that the api sends. Both belong to the build. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import type { Plugin, Rolldown } from 'vite';

type Bundle = Rolldown.OutputBundle;

/**
 * Fails the build when a page has become too heavy. Scripts and style sheets count, gzipped.
 *
 * @param limits in bytes: what the first page loads whichever it is, and what each route adds to it
 */
export function withinBudget(limits: { firstLoad: number; eachRoute: number }): Plugin {
  return {
    name: 'within-budget',
    apply: 'build',
    generateBundle(_options, bundle) {
      const chunks = Object.values(bundle).filter((file) => file.type === 'chunk');
      const entry = chunks.find((chunk) => chunk.isEntry);
      if (!entry) throw new Error('The build has no entry.');
      const first = needed(bundle, entry.fileName);
      const firstLoad = weigh(bundle, first);
      const said = [`first load ${kilobytes(firstLoad)} of ${kilobytes(limits.firstLoad)}`];
      if (firstLoad > limits.firstLoad) this.error(`Too heavy: ${said[0]}.`);
      for (const chunk of chunks.filter((each) => each.isDynamicEntry)) {
        const more = [...needed(bundle, chunk.fileName)].filter((file) => !first.has(file));
        const weight = weigh(bundle, more);
        said.push(`${chunk.name} ${kilobytes(weight)}`);
        if (weight > limits.eachRoute)
          this.error(`Too heavy: ${chunk.name} adds ${kilobytes(weight)} of ${kilobytes(limits.eachRoute)}.`);
      }
      this.info(said.join(' · '));
    },
  };
}

/** Writes what compresses a second and a third time, as brotli and gzip. */
export function compressed(): Plugin {
  return {
    name: 'compressed',
    apply: 'build',
    writeBundle({ dir = '' }) {
      for (const name of readdirSync(dir, { recursive: true, encoding: 'utf8' })) {
        if (!/\.(html|js|css|svg)$/.test(name)) continue;
        const bytes = readFileSync(join(dir, name));
        writeFileSync(join(dir, `${name}.br`), brotliCompressSync(bytes));
        writeFileSync(join(dir, `${name}.gz`), gzipSync(bytes, { level: 9 }));
      }
    },
  };
}

/** A chunk with everything it cannot do without. */
function needed(bundle: Bundle, name: string, found = new Set<string>()): Set<string> {
  const chunk = bundle[name];
  if (found.has(name) || chunk?.type !== 'chunk') return found;
  found.add(name);
  for (const sheet of chunk.viteMetadata?.importedCss ?? []) found.add(sheet);
  for (const imported of chunk.imports) needed(bundle, imported, found);
  return found;
}

function weigh(bundle: Bundle, names: Iterable<string>): number {
  return [...names].reduce((sum, name) => {
    const file = bundle[name];
    return file ? sum + gzipSync(file.type === 'chunk' ? file.code : file.source, { level: 9 }).length : sum;
  }, 0);
}

const kilobytes = (bytes: number) => `${(bytes / 1000).toFixed(1)} kB`;
