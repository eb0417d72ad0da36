/** The api and the worker of one system, each in a process that may have run another system's before (programHost.js). */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** A program: the path of its main.js, and of what is loaded before it (`node --import`). */
interface Program {
  file: string;
  before: readonly string[];
}

interface Host {
  child: ChildProcess;
  exited: Promise<string>;
  log: string;
}

/** A program that runs. */
interface Running {
  program: Program;
  host: Host;
  /** Where in the host's log its own begins. */
  from: number;
}

const hostFile = fileURLToPath(new URL('programHost.js', import.meta.url));
/** Processes without a program, by the program that they ran (`keyOf`). */
const idle = new Map<string, Host[]>();
let folder: string | undefined;
let hosts = 0;

/** The programs of one system, by name. */
export class Programs {
  private readonly running = new Map<string, Running>();
  private readonly ended: string[] = [];
  private readonly keep: boolean;

  /** @param keep whether their processes are kept for the next system of this test process */
  constructor(keep: boolean) {
    this.keep = keep;
  }

  /**
   * Starts a program.
   *
   * @param env its environment, beside that of this process
   * @param isReady waits until it is ready
   * @throws Error at once, with the end of its log, when it ends instead
   */
  async start(
    name: string,
    program: Program,
    env: Record<string, string>,
    isReady: () => Promise<unknown>,
  ): Promise<void> {
    const host = idleHost(program) ?? startHost(program);
    const running = { program, host, from: statSync(host.log).size };
    this.running.set(name, running);
    host.child.send({ start: program.file, env: { ...process.env, ...env } });
    const ended = host.exited.then((how) => {
      throw new Error(`${name} ended while it was starting (${how}):\n${logOf(running).slice(-2_000)}`);
    });
    await Promise.race([ended, isReady()]);
  }

  /** Kills a program as a crash would, or sends another signal and waits for its end. */
  async kill(name: string, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const running = this.running.get(name);
    if (!running) return;
    this.running.delete(name);
    running.host.child.kill(signal);
    await running.host.exited;
    this.ended.push(logOf(running));
  }

  /** Stops every program as it is stopped in production. */
  async stopAll(): Promise<void> {
    for (const [name, { host, program }] of [...this.running].toReversed()) {
      const stopped = new Promise<boolean>((resolve) => {
        host.child.once('message', () => resolve(true));
        void host.exited.then(() => resolve(false));
      });
      if (host.child.connected) host.child.send({ stop: true });
      const inTime = await Promise.race([stopped, delay(15_000, false, { ref: false })]);
      if (inTime && this.keep) idle.set(keyOf(program), [...(idle.get(keyOf(program)) ?? []), host]);
      else host.child.kill('SIGKILL');
      this.running.delete(name);
    }
  }

  /** Everything that they have logged so far. */
  logs(): string {
    return [...this.ended, ...[...this.running.values()].map(logOf)].join('\n');
  }
}

const logOf = ({ host, from }: Running) => readFileSync(host.log).subarray(from).toString();

/** One that has not ended meanwhile. */
function idleHost(program: Program): Host | undefined {
  const host = idle.get(keyOf(program))?.pop();
  return host && !host.child.connected ? idleHost(program) : host;
}

const keyOf = ({ file, before }: Program) => [...before, file].join(' ');

function startHost({ before }: Program): Host {
  folder ??= newFolder();
  const log = join(folder, `${(hosts += 1)}.log`);
  const to = openSync(log, 'a');
  const imports = before.flatMap((path) => ['--import', path]);
  const child = spawn(process.execPath, [...imports, hostFile], { cwd: folder, stdio: ['ignore', to, to, 'ipc'] });
  closeSync(to);
  // It ends when this process does, and is no reason for this one to stay.
  child.unref();
  child.channel?.unref();
  const exited = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => resolve(signal ? `killed by ${signal}` : `exit ${code}`));
  });
  return { child, exited, log };
}

/** A folder for logs that goes when this process ends. */
function newFolder(): string {
  const made = mkdtempSync(join(tmpdir(), 'countersign-programs-'));
  process.once('exit', () => rmSync(made, { recursive: true, force: true }));
  return made;
}
