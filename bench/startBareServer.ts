import { fileURLToPath } from 'node:url';
import { freePort } from '../dev/stack/ports.ts';
import type { Processes } from '../dev/stack/processes.ts';
import { until } from '../dev/until.ts';

/** Starts bareServer.ts, with which the Vendor API is compared. @returns its address */
export async function startBareServer(processes: Processes, databaseUrl: string): Promise<string> {
  const port = await freePort(8601);
  const url = `http://127.0.0.1:${port}`;
  processes.start({
    name: 'bare',
    command: process.execPath,
    args: ['--import', 'tsx', fileURLToPath(new URL('bareServer.ts', import.meta.url))],
    env: { DATABASE_URL: databaseUrl, PORT: String(port) },
  });
  await until('the bare server to be ready', async () => (await fetch(url)).ok);
  return url;
}
