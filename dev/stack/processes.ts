/**
 * The processes of the stack. Each has a log file and a pid file. By the pid files, a start after a `kill -9` of this program
 * finds the processes that are left, and stops them. Each process has a process group of its own, so that Ctrl-C in the
 * terminal does not reach it: this program stops all of them, in order.
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
  /** The signal that asks the process to stop; absent = SIGTERM. For PostgreSQL, SIGINT is a fast shutdown. */
  stopSignal?: NodeJS.Signals;
}

interface Running {
  spec: ProcessSpec;
  child: ChildProcess;
  exited: Promise<number | null>;
  /** Whether it has been ready: a process that never was ends the start instead of being started again. */
  ready: boolean;
}

export class Processes {
  private readonly running = new Map<string, Running>();
  private readonly folder: string;
  private stopping = false;
  private stopped: Promise<void> | undefined;
  private readonly said: (line: string) => void;
  private readonly maxRestarts: number;
  /** How often each process was started again, by its name. */
  private readonly restarts = new Map<string, number>();

  /**
   * @param state the state folder; pid files and logs go below it
   * @param maxRestarts how often a process that was ready and then ended by itself is started again
   */
  constructor(state: string, said: (line: string) => void, maxRestarts = 0) {
    this.folder = state;
    this.said = said;
    this.maxRestarts = maxRestarts;
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
      // The system may have given the pid to another program: only a process that was born at the noted time is ours.
      if (bornAt(pid) === born) {
        await end(pid, born, stopSignal);
        stopped.push(file);
      }
      rmSync(path, { force: true });
    }
    return stopped;
  }

  /** Starts a process. @throws Error while everything is being stopped, because nobody would stop the new process */
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
    const running: Running = { spec, child, exited, ready: false };
    this.running.set(spec.name, running);
    void exited.then((code) => {
      if (!this.stopping && this.running.get(spec.name) === running) this.endedByItself(running, code);
    });
    return child;
  }

  /** Starts a process again that was ready before it ended, or says why not. */
  private endedByItself({ spec, child, ready }: Running, code: number | null): void {
    const how = child.signalCode ? `killed by ${child.signalCode}` : `exit ${code}`;
    const ended = `${spec.name} ended by itself (${how}); its log is ${join(this.folder, 'logs', `${spec.name}.log`)}.`;
    const restarts = this.restarts.get(spec.name) ?? 0;
    if (!ready || this.maxRestarts === 0) return this.said(ended);
    if (restarts >= this.maxRestarts)
      return this.said(`${ended} It was started again ${restarts} times already, and is left alone now.`);
    this.restarts.set(spec.name, restarts + 1);
    this.said(`${ended} It is started again (${restarts + 1} of ${this.maxRestarts}).`);
    this.start(spec);
    const again = this.running.get(spec.name);
    if (again) again.ready = true;
  }

  /**
   * Waits until `isReady` finds that a started process is ready.
   *
   * @throws Error at once when the process ends instead; without that, another program that answers on the same port could be
   *   taken for it
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
    found.ready = true;
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

  async stop(name: string): Promise<void> {
    const found = this.running.get(name);
    if (!found) return;
    this.running.delete(name);
    if (found.child.pid !== undefined)
      await end(found.child.pid, bornAt(found.child.pid), found.spec.stopSignal ?? 'SIGTERM');
    rmSync(join(this.folder, 'pids', name), { force: true });
  }

  /** Stops every process, the last one started first. A second call while that is under way waits for the first call's end. */
  stopAll(): Promise<void> {
    this.stopped ??= this.stopEach();
    return this.stopped;
  }

  private async stopEach(): Promise<void> {
    this.stopping = true;
    for (const name of [...this.running.keys()].toReversed()) await this.stop(name);
  }
}

/** Asks a process to stop, waits, and kills it when it has not stopped after 15 s. */
async function end(pid: number, born: string | undefined, signal: NodeJS.Signals): Promise<void> {
  const alive = () => bornAt(pid) === born && born !== undefined;
  const send = (which: NodeJS.Signals) => {
    try {
      process.kill(pid, which);
    } catch {
      // The process has ended already.
    }
  };
  if (!alive()) return;
  send(signal);
  for (let waited = 0; waited < 15_000 && alive(); waited += 50) await delay(50);
  if (!alive()) return;
  send('SIGKILL');
  for (let waited = 0; waited < 5_000 && alive(); waited += 50) await delay(50);
}

/**
 * Returns when a process was born, in clock ticks since the machine started; undefined = there is no such process, or it is a
 * zombie.
 */
function bornAt(pid: number): string | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    try {
      // Without /proc (on macOS) the time is not known, and it is enough that the process is alive.
      process.kill(pid, 0);
      return process.platform === 'linux' ? undefined : 'alive';
    } catch {
      return undefined;
    }
  }
}
