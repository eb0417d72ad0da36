/**
 * The processes of the stack: each with a log file and a pid file, so that Ctrl-C leaves none behind and a start after
 * `kill -9` of the parent stops what is left. They are in groups of their own, so that only we stop them, in order.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, openSync, closeSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export interface ProcessSpec {
  name: string;
  command: string;
  args: readonly string[];
  env?: Record<string, string | undefined>;
  cwd?: string;
  uid?: number;
  gid?: number;
  /** The signal that asks it to stop; PostgreSQL's fast shutdown is SIGINT. */
  stopSignal?: NodeJS.Signals;
}

interface Running {
  spec: ProcessSpec;
  child: ChildProcess;
  exited: Promise<number | null>;
}

export class Processes {
  private readonly running = new Map<string, Running>();
  private readonly folder: string;
  private stopping = false;
  private stopped: Promise<void> | undefined;
  private readonly said: (line: string) => void;

  /** @param state the state folder; pid files and logs go below it */
  constructor(state: string, said: (line: string) => void) {
    this.folder = state;
    this.said = said;
    mkdirSync(join(state, 'pids'), { recursive: true });
    mkdirSync(join(state, 'logs'), { recursive: true });
  }

  /** Stops what an earlier start left running because it was killed. @returns the names of what was stopped */
  async stopLeftovers(): Promise<string[]> {
    const stopped: string[] = [];
    for (const file of readdirSync(join(this.folder, 'pids'))) {
      const path = join(this.folder, 'pids', file);
      const { pid, born, stopSignal } = JSON.parse(readFileSync(path, 'utf8')) as {
        pid: number;
        born: string;
        stopSignal: NodeJS.Signals;
      };
      // A pid is used again some day: only the process born at the same moment is ours.
      if (bornAt(pid) === born) {
        await end(pid, born, stopSignal);
        stopped.push(file);
      }
      rmSync(path, { force: true });
    }
    return stopped;
  }

  /** @throws Error once everything is being stopped: what would be started now would be left behind */
  start(spec: ProcessSpec): ChildProcess {
    if (this.stopping) throw new Error(`${spec.name} is not started: everything is being stopped.`);
    const log = openSync(join(this.folder, 'logs', `${spec.name}.log`), 'a');
    const child = spawn(spec.command, spec.args, {
      detached: true,
      stdio: ['ignore', log, log],
      env: { ...process.env, ...spec.env },
      ...(spec.cwd ? { cwd: spec.cwd } : {}),
      ...(spec.uid === undefined ? {} : { uid: spec.uid, gid: spec.gid ?? spec.uid }),
    });
    closeSync(log);
    const exited = new Promise<number | null>((resolve) => {
      child.once('error', () => resolve(null));
      child.once('exit', (code) => resolve(code));
    });
    if (child.pid !== undefined) {
      const note = { pid: child.pid, born: bornAt(child.pid), stopSignal: spec.stopSignal ?? 'SIGTERM' };
      writeFileSync(join(this.folder, 'pids', spec.name), JSON.stringify(note));
    }
    this.running.set(spec.name, { spec, child, exited });
    void exited.then((code) => {
      if (this.stopping || this.running.get(spec.name)?.child !== child) return;
      this.said(
        `${spec.name} ended by itself (exit ${code}); its log is ${join(this.folder, 'logs', `${spec.name}.log`)}`,
      );
    });
    return child;
  }

  /**
   * Waits until a process that was started is ready, by `isReady`.
   *
   * @throws Error at once if it ends instead: another program may answer in its place
   */
  async untilReady(name: string, isReady: () => Promise<void>): Promise<void> {
    const found = this.running.get(name);
    if (!found) throw new Error(`${name} was not started.`);
    const ended = found.exited.then((code) => {
      const log = join(this.folder, 'logs', `${name}.log`);
      const last = readFileSync(log, 'utf8').trimEnd().split('\n').slice(-5).join('\n');
      throw new Error(`${name} ended while it was starting (exit ${code}). The end of ${log} says why:\n${last}`);
    });
    await Promise.race([ended, isReady()]);
  }

  isRunning(name: string): boolean {
    const found = this.running.get(name);
    return found !== undefined && found.child.exitCode === null && found.child.signalCode === null;
  }

  /** Kills a process as a crash would. */
  async kill(name: string, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const found = this.running.get(name);
    if (!found?.child.pid) return;
    this.running.delete(name);
    found.child.kill(signal);
    await found.exited;
    rmSync(join(this.folder, 'pids', name), { force: true });
  }

  /** Starts a process again as it was. */
  restart(spec: ProcessSpec): ChildProcess {
    return this.start(spec);
  }

  async stop(name: string): Promise<void> {
    const found = this.running.get(name);
    if (!found) return;
    this.running.delete(name);
    if (found.child.pid !== undefined)
      await end(found.child.pid, bornAt(found.child.pid), found.spec.stopSignal ?? 'SIGTERM');
    rmSync(join(this.folder, 'pids', name), { force: true });
  }

  /** Stops everything, last started first. Whoever asks while that is under way waits for the same end. */
  stopAll(): Promise<void> {
    this.stopped ??= this.stopEach();
    return this.stopped;
  }

  private async stopEach(): Promise<void> {
    this.stopping = true;
    for (const name of [...this.running.keys()].toReversed()) await this.stop(name);
  }
}

/** Asks, waits, and in the end insists. */
async function end(pid: number, born: string | undefined, signal: NodeJS.Signals): Promise<void> {
  const alive = () => bornAt(pid) === born && born !== undefined;
  const send = (which: NodeJS.Signals) => {
    try {
      process.kill(pid, which);
    } catch {
      // It is gone already.
    }
  };
  if (!alive()) return;
  send(signal);
  for (let waited = 0; waited < 15_000 && alive(); waited += 50) await delay(50);
  if (!alive()) return;
  send('SIGKILL');
  for (let waited = 0; waited < 5_000 && alive(); waited += 50) await delay(50);
}

/** When a process was born, in clock ticks since boot, or undefined if there is none (a zombie counts as none). */
function bornAt(pid: number): string | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    try {
      // No /proc (macOS): being alive has to do.
      process.kill(pid, 0);
      return process.platform === 'linux' ? undefined : 'alive';
    } catch {
      return undefined;
    }
  }
}
