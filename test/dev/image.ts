/** Builds the image's files as the Dockerfile says, in folders, because no container engine is here. */
import { execFile } from 'node:child_process';
import { copyFileSync, cpSync, linkSync, mkdirSync, readdirSync, readFileSync, renameSync, symlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { admitted, readDockerfile, type Stage } from './dockerfile.ts';

const run = promisify(execFile);

/**
 * Follows COPY and RUN of every stage. `npm ci` alone is not run: what it would install is linked from the packages that
 * are here, by the lockfile, which is what npm goes by too.
 *
 * @param root the repository
 * @param work an empty folder
 * @returns the folder that is /app in the image
 */
export async function buildImage(root: string, work: string): Promise<string> {
  const context = join(work, 'context');
  mkdirSync(context);
  for (const name of admitted(root)) cpSync(join(root, name), join(context, name), { recursive: true });
  const stages = readDockerfile(root);
  for (const stage of stages) mkdirSync(join(work, stage.name));
  for (const stage of stages) await buildStage(stage, root, work, context);
  return join(work, stages.at(-1)?.name ?? '');
}

async function buildStage(stage: Stage, root: string, work: string, context: string): Promise<void> {
  const app = join(work, stage.name);
  for (const { name, text } of stage.instructions) {
    if (name === 'COPY') copy(text, work, context, app);
    else if (name === 'RUN' && text === 'npm ci') {
      for (const packages of ['node_modules', 'console/node_modules'])
        symlinkSync(join(root, packages), join(app, packages));
    } else if (name === 'RUN' && text === 'npm ci --omit=dev --workspaces=false') installProduction(root, app);
    else if (name === 'RUN') await run('sh', ['-c', text], { cwd: app });
  }
}

function copy(text: string, work: string, context: string, app: string): void {
  const words = text.split(' ');
  const from = words[0]?.startsWith('--from=') ? words.shift()?.slice('--from='.length) : undefined;
  const target = join(app, words.pop() ?? '');
  for (const source of words) {
    // A stage is copied from once, so its files may as well move.
    if (from !== undefined) renameSync(join(work, from, source.replace(/^\/app\//, '')), target);
    else if (source === '.') cpSync(context, target, { recursive: true });
    else {
      mkdirSync(target, { recursive: true });
      copyFileSync(join(context, source), join(target, basename(source)));
    }
  }
}

/** All packages of the lockfile but those that only development needs, as `npm ci --omit=dev` (compared once: the same). */
function installProduction(root: string, app: string): void {
  const lock = JSON.parse(readFileSync(join(app, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean; optional?: boolean; link?: boolean }>;
  };
  for (const [path, { dev, optional, link }] of Object.entries(lock.packages)) {
    // A workspace is linked, and its own packages are those of development.
    if (!path.startsWith('node_modules/') || dev || link) continue;
    try {
      linkTree(join(root, path), join(app, path));
    } catch (error) {
      // Of another platform.
      if (!optional) throw error;
    }
  }
}

/** Hard links cost no space and, unlike symbolic ones, lead no package back to the packages it must do without. */
function linkTree(source: string, target: string): void {
  const entries = readdirSync(source, { withFileTypes: true });
  mkdirSync(target, { recursive: true });
  for (const entry of entries) {
    const [from, to] = [join(source, entry.name), join(target, entry.name)];
    if (entry.isDirectory()) {
      if (entry.name !== 'node_modules') linkTree(from, to);
    } else if (entry.isFile()) link(from, to);
  }
}

function link(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    // Another file system.
    mkdirSync(dirname(to), { recursive: true });
    copyFileSync(from, to);
  }
}
