import { randomInt } from 'node:crypto';
import getPort, { portNumbers } from 'get-port';

/**
 * @returns `preferred` if it is free on loopback, else the next free port; with 0, any free port: begun at random, so that two
 *   programs that ask at the same time seldom get the same, and below the range that operating systems give to outgoing
 *   connections (Linux from 32768, macOS and Windows from 49152), because in it a free port may be somebody's connection a
 *   moment later
 */
export function freePort(preferred: number): Promise<number> {
  return getPort({ host: '127.0.0.1', port: portNumbers(preferred || randomInt(10_000, 32_000), 65_535) });
}
