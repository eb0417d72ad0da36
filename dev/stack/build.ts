/**
 * `npm run build`: what production runs, in `dist/`. Node needs no more than it and the production dependencies.
 *
 *   --out DIR        another folder than dist
 *   --project FILE   another TypeScript project than tsconfig.build.json: that of the tests has the tests' PSAs besides
 *   --no-check       the types are not checked, which takes most of the time: the tests' setup, beside which `npm run types`
 *                    checks them
 */
import { execFile } from 'node:child_process';
import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { buildConsole } from './consoleBuild.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { values: options } = parseArgs({
  options: {
    out: { type: 'string', default: 'dist' },
    project: { type: 'string', default: 'tsconfig.build.json' },
    'no-check': { type: 'boolean', default: false },
  },
});
const out = resolve(root, options.out);

// The folder is emptied first: a compiled file whose source was deleted must not stay.
rmSync(out, { recursive: true, force: true });
await compile();
cpSync(await buildConsole((line) => void process.stdout.write(`${line}\n`)), join(out, 'console/dist'), {
  recursive: true,
});
cpSync(join(root, 'db/migrations'), join(out, 'db/migrations'), { recursive: true });
writeFileSync(join(out, 'workflows.bundle.js'), await bundle());
process.stdout.write(`Built ${out}\n`);

/** Compiles with TypeScript's program. The package exports only its package.json, so its folder is found through that file. */
async function compile(): Promise<void> {
  const tsc = join(createRequire(import.meta.url).resolve('typescript/package.json'), '../bin/tsc');
  const args = [tsc, '--project', join(root, options.project), '--outDir', out];
  if (options['no-check']) args.push('--noCheck');
  await promisify(execFile)(process.execPath, args).catch((error: { stdout?: string; message: string }) => {
    // TypeScript writes the errors to stdout.
    throw new Error(error.stdout === '' ? error.message : error.stdout, { cause: error });
  });
}

/** Bundles the workflows from the compiled files, so that the bundle has the same code as everything else in `dist/`. */
async function bundle(): Promise<string> {
  const workflowsPath = join(out, 'workflows/index.js');
  return (await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('WARN') })).code;
}
