import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

test("the console's types are those of the OpenAPI document as it is now", async () => {
  const program = ['--import', 'tsx', 'dev/consoleTypes.ts', '--check'];
  await expect(promisify(execFile)(process.execPath, program)).resolves.toMatchObject({ stderr: '' });
});
