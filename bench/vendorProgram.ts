import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Turn, TurnReport } from './callers.ts';

export interface VendorProgram {
  /** Posts the requests of a turn. @returns the seconds it took @throws Error when one of them was not accepted */
  post(turn: Turn): Promise<number>;
  stop(): void;
}

/** Starts callers.ts as a process of its own. */
export function startVendorProgram(): VendorProgram {
  const child = fork(fileURLToPath(new URL('callers.ts', import.meta.url)), { execArgv: ['--import', 'tsx'] });
  return {
    async post(turn) {
      const { seconds, refused } = await new Promise<TurnReport>((resolve, reject) => {
        const gone = (code: number | null) => reject(new Error(`The vendor program ended (exit ${code}).`));
        child.once('exit', gone);
        child.once('message', (report: TurnReport) => {
          child.off('exit', gone);
          resolve(report);
        });
        child.send(turn);
      });
      if (Object.keys(refused).length > 0)
        throw new Error(`Not every count was accepted at ${turn.url}: ${JSON.stringify(refused)}`);
      return seconds;
    },
    stop: () => void child.kill(),
  };
}
