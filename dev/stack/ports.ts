import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

// Below the range that operating systems give to outgoing connections (Linux from 32768, macOS and Windows from 49152):
// in it a port that is free when asked for may be somebody's connection a moment later.
const anyFrom = 10_000;
const anyBelow = 32_000;

/**
 * @returns `preferred` if it is free on loopback, else the next free one; 0 = any free one
 */
export async function freePort(preferred: number): Promise<number> {
  // At random, so that two programs that ask at the same time seldom get the same.
  const first = preferred === 0 ? randomInt(anyFrom, anyBelow) : preferred;
  for (let port = first; port <= 65_535; port++) {
    if (await isFree(port)) return port;
  }
  throw new Error(`No port from ${first} up is free on 127.0.0.1.`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer().once('error', () => resolve(false));
    probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => probe.close(() => resolve(true)));
  });
}
