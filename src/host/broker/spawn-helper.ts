/**
 * The program that forks children for the daemon. A fork copies the page tables of whoever forks: this program is
 * small and stays so, the daemon is not. Requests come on stdin, reports leave on descriptor 3; argv[2] is the folder
 * pipes are made in.
 * It must load next to nothing, and must end when the daemon does, taking with it what it started.
 */
import { type SpawnOptions, spawn } from 'node:child_process';
import { closeSync, constants, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { constants as osConstants } from 'node:os';
import { join } from 'node:path';
import { signalGroup } from '../host-child.js';
import { makeAnonymousPipes } from './anonymous-pipes.js';
import { makeFifos, makeFolder, openChildEnd, removeFolder } from './fifo-batch.js';
import {
  encodeLine,
  type HelperReport,
  type HelperRequest,
  LineDecoder,
  type PipeMade,
  type PipesWanted,
  type StartWanted,
} from './helper-message.js';

const REPORTS = 3;
/** O_CLOEXEC as Linux shows it, which node:fs does not name. */
const CLOSED_ON_EXEC = 0o2000000;

const ANONYMOUS = process.platform === 'linux';

interface Guarded {
  readonly pid: number;
  exited: boolean;
}

class SpawnHelper {
  readonly #root: string;
  /** Starts not begun yet: one a turn of the loop, so that ends are reported in between. */
  readonly #starts: StartWanted[] = [];
  readonly #guarded = new Map<number, Guarded>();
  /** Child's ends not given to a child yet, by pipe number. */
  readonly #ends = new Map<number, number>();
  #folders: string[] = [];
  #lastPipe = 0;
  #beginning = false;

  constructor(root: string) {
    this.#root = root;
  }

  take(request: HelperRequest): void {
    switch (request.op) {
      case 'start':
        this.#starts.push(request);
        this.#beginSoon();
        break;
      case 'pipes':
        this.#makePipes(request);
        break;
      case 'opened':
        this.#removeFolders();
        break;
      case 'guard':
        this.#guarded.set(request.id, { pid: request.pid, exited: request.exited });
        break;
      case 'release':
        this.#guarded.delete(request.id);
        break;
    }
  }

  /** The daemon is gone: nobody can read or end what runs, so it must not run on. */
  end(): never {
    for (const { pid, exited } of this.#guarded.values()) signalGroup(pid, 'SIGKILL', exited);
    this.#removeFolders();
    process.exit(0);
  }

  #report(report: HelperReport): void {
    try {
      writeSync(REPORTS, encodeLine(report));
    } catch {
      this.end();
    }
  }

  #makePipes({ output, input }: PipesWanted): void {
    const report = (made: readonly PipeMade[], inputs: readonly PipeMade[]) =>
      this.#report({ op: 'pipes', output: made, input: inputs });
    this.#makeNamed(output, input, (named) => {
      if (input === 0 || !ANONYMOUS) return report(named.slice(0, output), named.slice(output));
      makeAnonymousPipes(input, (outcome) => {
        if ('error' in outcome) {
          for (const { number } of named) this.#closeEnd(number);
          return this.#report({ op: 'pipesFailed', ...described(outcome.error) });
        }
        const inputs = outcome.ends.map((end) => {
          this.#ends.set(++this.#lastPipe, end);
          return { number: this.#lastPipe, path: `/proc/${process.pid}/fd/${end}` };
        });
        report(named, inputs);
      });
    });
  }

  /** Output comes first in what is made. */
  #makeNamed(output: number, input: number, done: (made: readonly PipeMade[]) => void): void {
    const count = output + (ANONYMOUS ? 0 : input);
    if (count === 0) {
      done([]);
      return;
    }
    const numbers = Array.from({ length: count }, () => ++this.#lastPipe);
    let folder: string;
    try {
      folder = makeFolder(this.#root);
    } catch (error) {
      this.#report({ op: 'pipesFailed', ...described(error) });
      return;
    }
    // From now on, so that an end of this program in between leaves nothing behind.
    this.#folders.push(folder);
    makeFifos(folder, numbers, (failure) => {
      if (failure !== undefined) {
        this.#removeFolders();
        return this.#report({ op: 'pipesFailed', ...described(failure) });
      }
      const made = numbers.map((number) => ({ number, path: join(folder, String(number)) }));
      try {
        for (const [index, { number, path }] of made.entries()) {
          this.#ends.set(number, openChildEnd(path, index < output ? 'output' : 'input'));
        }
      } catch (error) {
        for (const number of numbers) this.#closeEnd(number);
        this.#removeFolders();
        return this.#report({ op: 'pipesFailed', ...described(error) });
      }
      done(made);
    });
  }

  #removeFolders(): void {
    for (const folder of this.#folders) removeFolder(folder);
    this.#folders = [];
  }

  #beginSoon(): void {
    if (this.#beginning || this.#starts.length === 0) return;
    this.#beginning = true;
    setImmediate(() => {
      this.#beginning = false;
      const next = this.#starts.shift();
      if (next !== undefined) this.#start(next);
      this.#beginSoon();
    });
  }

  #start(wanted: StartWanted): void {
    const { id, stdio } = wanted;
    this.#report({ op: 'begun', id });
    const opened: number[] = [];
    try {
      if ('terminal' in stdio) {
        const slave = openSync(stdio.terminal, constants.O_RDWR | constants.O_NOCTTY);
        opened.push(slave);
        // The kernel gives a session its terminal only on request; setsid asks for it, between fork and program.
        const args = ['-c', wanted.program, ...wanted.args];
        this.#fork(id, stdio.setsid, args, { cwd: wanted.cwd, env: wanted.env, stdio: [slave, slave, slave] });
        return;
      }
      const stdin = stdio.stdin === null ? 'ignore' : this.#end(stdio.stdin);
      this.#fork(id, wanted.program, wanted.args, {
        cwd: wanted.cwd,
        env: wanted.env,
        detached: true,
        stdio: [stdin, this.#end(stdio.stdout), this.#end(stdio.stderr)],
        ...(wanted.arg0 === undefined ? {} : { argv0: wanted.arg0 }),
      });
    } catch (error) {
      this.#report({ op: 'failed', id, ...described(error) });
    } finally {
      // Only the child may hold them now: end of output means that nobody can write.
      for (const descriptor of opened) closeSync(descriptor);
      if (!('terminal' in stdio)) {
        for (const number of [stdio.stdin, stdio.stdout, stdio.stderr]) if (number !== null) this.#closeEnd(number);
      }
    }
  }

  #fork(id: number, program: string, args: readonly string[], options: SpawnOptions): void {
    const child = spawn(program, args, options);
    const { pid } = child;
    if (pid === undefined) {
      child.once('error', (error) => this.#report({ op: 'failed', id, ...described(error) }));
      return;
    }
    child.on('error', () => {
      // Only kill() can fail from here on, and it is not used.
    });
    const guarded = { pid, exited: false };
    this.#guarded.set(id, guarded);
    this.#report({ op: 'started', id, pid });
    child.once('exit', (code, signal) => {
      guarded.exited = true;
      this.#report({
        op: 'exited',
        id,
        status: code ?? 0,
        signal: signal === null ? 0 : osConstants.signals[signal],
      });
    });
  }

  #end(number: number): number {
    const descriptor = this.#ends.get(number);
    if (descriptor === undefined) throw new Error(`pipe ${number} is not there`);
    return descriptor;
  }

  #closeEnd(number: number): void {
    const descriptor = this.#ends.get(number);
    if (descriptor === undefined) return;
    this.#ends.delete(number);
    closeSync(descriptor);
  }
}

function described(error: unknown): { message: string; errno?: number; code?: string } {
  const { message, errno, code } = error as NodeJS.ErrnoException;
  return {
    message,
    ...(typeof errno === 'number' ? { errno: Math.abs(errno) } : {}),
    ...(typeof code === 'string' ? { code } : {}),
  };
}

/**
 * Descriptors this program was born with beyond its own: careless ancestors, and terminals of the daemon whose native
 * half does not mark them. Children must not inherit them. Node marks what it opens itself.
 */
function closeStrays(): void {
  let names: string[] = [];
  try {
    names = readdirSync('/proc/self/fdinfo');
  } catch {
    // Not on this system.
  }
  for (const name of names.filter((name) => Number(name) > REPORTS)) {
    try {
      const flags = /^flags:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${name}`, 'latin1'))?.[1] ?? '';
      if ((Number.parseInt(flags, 8) & CLOSED_ON_EXEC) === 0) closeSync(Number(name));
    } catch {
      // The one the folder was read through.
    }
  }
}

closeStrays();
const helper = new SpawnHelper(process.argv[2] ?? '/tmp');
const requests = new LineDecoder<HelperRequest>();
// Whoever stops a whole group of processes means the daemon, which ends in good order and needs the helper for it.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
process.stdin.on('data', (bytes: Buffer) => {
  for (const request of requests.decode(bytes)) helper.take(request);
});
process.stdin.on('error', () => helper.end());
process.stdin.on('close', () => helper.end());
