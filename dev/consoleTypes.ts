/**
 * `npm run generate:types`: the console's types of the API, made from the OpenAPI document that the api serves.
 *
 *   --check   write nothing; end with 1 if the file is not what would be written
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { createApp } from '../api/app.ts';
import { openDatabase } from '../db/client.ts';
import { createEncryption } from '../db/encryption.ts';
import { readEnvironment } from '../environment.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const file = join(root, 'console/src/api/schema.ts');
const { values: options } = parseArgs({ options: { check: { type: 'boolean', default: false } } });

const types = await typesOf(await readDocument());
if (!options.check) writeFileSync(file, types);
else if (readFileSync(file, 'utf8') !== types) {
  process.stderr.write('console/src/api/schema.ts is not what the API says: run npm run generate:types.\n');
  process.exitCode = 1;
}

/** Returns the text of /openapi.json, which the app itself answers; the app needs no database for that. */
async function readDocument(): Promise<string> {
  const environment = readEnvironment({
    DATABASE_URL: 'postgres://nobody@127.0.0.1/none',
    ENCRYPTION_KEYS: `k1:${Buffer.alloc(32).toString('base64')}`,
  });
  const { db, close } = openDatabase(environment.DATABASE_URL, 1);
  const app = createApp({
    db,
    encryption: createEncryption(environment.ENCRYPTION_KEYS),
    environment,
    logger: pino({ level: 'silent' }),
    wake: async () => undefined,
    temporalState: async () => 'away',
    metrics: new Registry(),
  });
  const document = await (await app.request('/openapi.json')).text();
  await close();
  return document;
}

/**
 * Runs the generator as a program of its own, because it needs the console's version of TypeScript, and this program runs with
 * another.
 */
async function typesOf(document: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-types-'));
  try {
    const [source, target] = [join(folder, 'openapi.json'), join(folder, 'schema.ts')];
    writeFileSync(source, JSON.stringify(JSON.parse(document, shapesAlone)));
    const program = join(root, 'console/node_modules/openapi-typescript/bin/cli.js');
    await promisify(execFile)(process.execPath, [program, source, '--output', target, '--alphabetize']);
    return readFileSync(target, 'utf8');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Removes from the document what the types do not need. The generator would copy descriptions into the types, so that each
 * change of a sentence would change them. All problems have one schema, so each operation keeps only one of its problems.
 */
function shapesAlone(name: string, value: unknown): unknown {
  const isWords = (name === 'summary' || name === 'description') && typeof value === 'string';
  if (isWords || name === 'example') return undefined;
  if (name !== 'responses') return value;
  const answers = Object.entries(value as Record<string, unknown>);
  const good = answers.filter(([status]) => status.startsWith('2'));
  const problem = answers.find(([status]) => status.startsWith('4'))?.[1];
  return Object.fromEntries([...good, ...(problem === undefined ? [] : [['default', problem]])]);
}
