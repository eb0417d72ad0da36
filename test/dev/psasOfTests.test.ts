/** The PSAs that only the tests have are in no build for production, and nothing else adds a PSA. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The files of a TypeScript project that are ours, from the top of the repository. */
async function filesOf(project: string): Promise<string[]> {
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const args = [tsc, '--project', join(root, project), '--listFilesOnly'];
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 1 << 24 });
  const ours = stdout.split('\n').filter((file) => file.startsWith(root) && !file.includes('node_modules'));
  return ours.map((file) => file.slice(root.length));
}

test('no build for production has a PSA of the tests, and in it nothing adds a PSA', async () => {
  const production = await filesOf('tsconfig.build.json');
  expect(production).toContain('connectors/registry.ts');
  expect(production.filter((file) => file.startsWith('test/'))).toEqual([]);
  const adding = production.filter((file) => /\badd(Simulated)?Psa\b/.test(readFileSync(join(root, file), 'utf8')));
  expect(adding, 'where the two tables are').toEqual(['connectors/registry.ts', 'simulators/psas.ts']);
  expect((await filesOf('test/psas/tsconfig.json')).filter((file) => file.startsWith('test/'))).not.toEqual([]);
});
