/** The project's own rules of lint, each against a planted line. */
import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, expect, test } from 'vitest';

const refused = [
  ['domain/planted.ts', "export { x } from '../db/client.ts';"],
  ['domain/reconcile/planted.ts', "export { x } from '../../connectors/http.ts';"],
  ['connectors/halopsa/planted.ts', "export { x } from '../../db/client.ts';"],
  ['commands/planted.ts', "export { x } from '../api/context.ts';"],
  ['commands/planted.ts', "export { x } from '../temporal/wake.ts';"],
  ['commands/planted.ts', "export { x } from '../connectors/http.ts';"],
  ['db/queries/planted.ts', "export { x } from '../../commands/refusal.ts';"],
  ['db/queries/planted.ts', "export { x } from '../../connectors/http.ts';"],
  ['db/queries/planted.ts', "export { x } from './audit.ts';"],
  ['activities/planted.ts', "export { x } from '../worker/worker.ts';"],
  ['workflows/planted.ts', "export { x } from '../activities/index.ts';"],
  ['workflows/planted.ts', "export { x } from '../db/client.ts';"],
  ['workflows/planted.ts', "export { x } from '../temporal/client.ts';"],
  ['api/planted.ts', "export { x } from '../connectors/http.ts';"],
  ['api/routes/planted.ts', "export { x } from '../../activities/index.ts';"],
  ['api/routes/planted.ts', "export { x } from './integrations.ts';"],
  ['api/views/planted.ts', "export { x } from '../routes/integrations.ts';"],
  ['api/vendorApi/planted.ts', "export { x } from '../routes/integrations.ts';"],
  ['worker/planted.ts', "export { x } from '../api/app.ts';"],
  ['api/planted.ts', "export { x } from '../cli/admin.ts';"],
  ['cli/planted.ts', "export { x } from '../dev/until.ts';"],
  ['cli/planted.ts', "export { x } from '../simulators/world.ts';"],
  ['simulators/kit/planted.ts', "export { x } from '../../domain/process/steps.ts';"],
  ['console/planted.ts', "export { x } from '../domain/quantities.ts';"],
  ['console/src/planted.ts', "export { x } from '../../api/context.ts';"],
  ['console/src/api/planted.ts', "export { x } from '../../../environment.ts';"],
  ['console/src/features/syncs/planted.tsx', "export { x } from '../../../../api/routes/syncs.ts';"],
  ['console/src/ui/planted.tsx', "export { x } from 'node:fs';"],
  ['api/planted.ts', "export { x } from '../console/src/theme.ts';"],
] as const;
const allowed = [
  ['connectors/planted.ts', "export { x } from '../domain/quantities.ts';"],
  ['commands/planted.ts', "export { x } from '../db/queries/audit.ts';"],
  ['workflows/planted.ts', "import type { X } from '../activities/index.ts';\nexport type Y = X;"],
  ['api/routes/planted.ts', "export { x } from '../../db/client.ts';"],
  ['api/routes/planted.ts', "export { x } from '../owned.ts';"],
  ['api/app.ts', "export { x } from './routes/integrations.ts';"],
  ['commands/planted.ts', "export { x } from '../connectors/registry.ts';"],
  ['activities/planted.ts', "export { x } from '../commands/refusal.ts';"],
  ['cli/planted.ts', "export { x } from '../worker/connectors.ts';"],
  ['simulators/halopsa/planted.ts', "export { x } from '../world.ts';"],
  ['console/src/features/syncs/planted.tsx', "export { x } from '../../api/client.ts';"],
] as const;
const refusedNames = [
  ['activities/planted.ts', "export const kind = 'connectwise';"],
  ['api/routes/planted.ts', '// What ConnectWise calls an addition.'],
  ['commands/planted.ts', 'export const connectwiseSettings = 1;'],
  ['db/schema/planted.ts', 'export const isConnectwise = true;'],
  ['domain/reconcile/planted.ts', '/** See connectwise.md. */'],
  ['temporal/planted.ts', "export const title = 'Reads ConnectWise';"],
  ['worker/planted.ts', "export const variable = 'CONNECTWISE_CLIENT_ID';"],
  ['workflows/planted.ts', "export const x = 'ConnectWise';"],
  ['environment.ts', "export const x = 'CONNECTWISE_CLIENT_ID';"],
] as const;
const allowedNames = [
  ['connectors/halopsa/planted.ts', "export const x = 'ConnectWise';"],
  ['simulators/planted.ts', "export const x = 'ConnectWise';"],
  ['domain/planted.ts', "export const x = 'the PSA';"],
] as const;

const key = (file: string, line: string) => `${file}: ${line}`;
/** The rules that a line breaks, by `key`. */
const broken = new Map<string, string[]>();
const complaints = (file: string, line: string, rule = 'no-restricted-imports') =>
  broken.get(key(file, line))?.filter((code) => code.includes(rule));

beforeAll(async () => {
  const house = mkdtempSync(join(tmpdir(), 'countersign-house-'));
  copyFileSync('.oxlintrc.json', join(house, '.oxlintrc.json'));
  symlinkSync(resolve('node_modules'), join(house, 'node_modules'));
  mkdirSync(join(house, 'dev'));
  symlinkSync(resolve('dev/lint'), join(house, 'dev/lint'));
  const planted = [...refused, ...allowed, ...refusedNames, ...allowedNames].map(([file, line], at) => {
    const path = join(house, file.replace('planted', `planted${at}`));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `${line}\n`);
    return { key: key(file, line), path };
  });
  // All of them at once, because a start of the linter takes most of the time.
  const files = planted.map(({ path }) => relative(house, path));
  const { stdout } = await promisify(execFile)(resolve('node_modules/.bin/oxlint'), ['--format', 'json', ...files], {
    cwd: house,
  }).catch((error: { stdout: string }) => error);
  const { diagnostics } = JSON.parse(stdout) as { diagnostics: { code: string; filename: string }[] };
  for (const { key, path } of planted) {
    const against = diagnostics.filter(({ filename }) => resolve(house, filename) === path);
    broken.set(
      key,
      against.map(({ code }) => code),
    );
  }
  rmSync(house, { recursive: true, force: true });
});

test.each(refused)('in %s, lint refuses %s', (file, line) => {
  expect(complaints(file, line)).toHaveLength(1);
});

test.each(allowed)('in %s, lint lets %s through', (file, line) => {
  expect(complaints(file, line)).toEqual([]);
});

test.each(refusedNames)('in %s, lint refuses to name a PSA: %s', (file, line) => {
  expect(complaints(file, line, 'name-no-psa')).toHaveLength(1);
});

test.each(allowedNames)('in %s, lint lets %s name a PSA', (file, line) => {
  expect(complaints(file, line, 'name-no-psa')).toEqual([]);
});
