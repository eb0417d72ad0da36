/** The Dockerfile and the .dockerignore, read as the container engine that is not here would read them. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Instruction {
  name: string;
  text: string;
}

export interface Stage {
  name: string;
  base: string;
  instructions: Instruction[];
}

export function readDockerfile(root: string): Stage[] {
  const text = readFileSync(join(root, 'Dockerfile'), 'utf8')
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n')
    .replaceAll(/\\\n\s*/g, '');
  const stages: Stage[] = [];
  for (const line of text.split('\n').filter((line) => line.trim() !== '')) {
    const [name = '', ...words] = line.split(' ');
    if (name === 'FROM') {
      const [base = '', , as = 'final'] = words;
      stages.push({ name: as, base, instructions: [] });
    } else stages.at(-1)?.instructions.push({ name, text: words.join(' ') });
  }
  return stages;
}

export function textsOf(stage: Stage | undefined, name: string): string[] {
  return (stage?.instructions ?? []).filter((one) => one.name === name).map((one) => one.text);
}

/** The variables that the image sets. */
export function imageEnvironment(stage: Stage | undefined): Record<string, string> {
  const pairs = textsOf(stage, 'ENV').flatMap((text) => text.split(/\s+/));
  return Object.fromEntries(pairs.map((pair) => pair.split('=') as [string, string]));
}

/** A command in the JSON form, which runs without a shell. */
export function execForm(text: string | undefined): string[] {
  return JSON.parse((text ?? '').slice((text ?? '').indexOf('['))) as string[];
}

/**
 * The names in the root folder that get into the build: ours is a list of all that may, after a line that shuts
 * everything out.
 */
export function admitted(root: string): string[] {
  const lines = readFileSync(join(root, '.dockerignore'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  const [first, ...rest] = lines;
  if (first !== '*' || rest.some((line) => !line.startsWith('!')))
    throw new Error('.dockerignore has to shut everything out first, and then to name what may come in.');
  return rest.map((line) => line.slice(1)).filter((name) => existsSync(join(root, name)));
}
