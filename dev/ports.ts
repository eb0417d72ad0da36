import { createServer } from 'node:net';

/**
 * @returns `preferred` if it is free on loopback, else the next free one; 0 = any free one
 */
export async function freePort(preferred: number): Promise<number> {
  for (let port = preferred; port <= 65_535; port++) {
    const found = await tryPort(port);
    if (found !== undefined) return found;
  }
  throw new Error(`No port from ${preferred} up is free on 127.0.0.1.`);
}

function tryPort(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const probe = createServer().once('error', () => resolve(undefined));
    probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : undefined));
    });
  });
}
