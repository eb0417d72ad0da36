/** docker-compose.yml, read as the container engine that is not here would read it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

export interface Service {
  image: string;
  build?: string;
  entrypoint?: string[];
  command?: string[];
  environment?: Record<string, string>;
  ports?: string[];
  volumes?: string[];
  profiles?: string[];
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { test?: string[]; disable?: boolean };
  restart?: string;
  init?: boolean;
  stop_grace_period?: string;
  deploy?: { replicas: number };
}

export interface Compose {
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
}

/**
 * @param env what the shell and the .env file set
 * @throws Error of a variable that must be set, as `docker compose` refuses it
 */
export function readCompose(root: string, env: Record<string, string>): Compose {
  const file = parse(readFileSync(join(root, 'docker-compose.yml'), 'utf8'), { merge: true }) as unknown;
  return interpolate(file, env) as Compose;
}

/** `${NAME}`, `${NAME:-preset}` and `${NAME:?message}`: all that our file uses. */
function interpolate(value: unknown, env: Record<string, string>): unknown {
  if (Array.isArray(value)) return value.map((item) => interpolate(item, env));
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, interpolate(item, env)]));
  if (typeof value !== 'string') return value;
  return value.replaceAll(/\$\{(\w+)(?::([-?])([^}]*))?\}/g, (_all, name: string, kind: string, rest: string) => {
    const given = env[name] ?? '';
    if (given !== '') return given;
    if (kind === '?') throw new Error(`required variable ${name} is missing a value: ${rest}`);
    return rest ?? '';
  });
}

/** A file of `NAME=value` lines. */
export function readEnvFile(root: string, file: string): Record<string, string> {
  const lines = readFileSync(join(root, file), 'utf8').split('\n');
  return Object.fromEntries(
    lines
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
}
