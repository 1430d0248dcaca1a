/**
 * The built command as a process of its own. `npm test` builds before it tests.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, onTestFinished, vi } from 'vitest';
import { cleanEnvironment } from '../peers/process-tree.js';

export const MAIN = fileURLToPath(new URL('../../dist/bin/main.js', import.meta.url));

export interface Ended {
  /** As a shell has it: null after a signal, whose name is then in `signal`. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcessWithoutNullStreams;
  readonly ended: Promise<Ended>;
  /** All of standard output so far. */
  stdout(): Buffer;
  stderr(): string;
}

export interface ProgramOptions {
  /** XDG_STATE_HOME: always given, so that no test sees the tokens of whoever runs it. */
  readonly state: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** It outlives the test that starts it, and whoever starts it ends it. */
  readonly lasting?: boolean;
}

/** A folder for one test, removed with it. */
export async function scratchFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'signalbox-cli-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Starts `signalbox ARGS`; standard input is a pipe that the test must end. */
export function startProgram(options: ProgramOptions, ...args: string[]): Running {
  return watch(spawn(process.execPath, [MAIN, ...args], spawnOptions(options)), options.lasting);
}

/** Runs it to its end, with this input. */
export async function runProgram(options: ProgramOptions, args: readonly string[], input: string | Buffer = '') {
  const { child, ended } = startProgram(options, ...args);
  child.stdin.end(input);
  return await ended;
}

/** A shell script in which `$signalbox` is the command. */
export async function runShell(options: ProgramOptions, script: string): Promise<Ended> {
  const { env = {}, ...rest } = options;
  const signalbox = `${process.execPath} ${MAIN}`;
  const { child, ended } = watch(spawn('bash', ['-c', script], spawnOptions({ ...rest, env: { ...env, signalbox } })));
  child.stdin.end();
  return await ended;
}

function spawnOptions({ state, env, cwd }: ProgramOptions) {
  return { env: cleanEnvironment({ XDG_STATE_HOME: state, ...env }), ...(cwd === undefined ? {} : { cwd }) };
}

function watch(child: ChildProcessWithoutNullStreams, lasting = false): Running {
  if (!lasting) onTestFinished(() => void child.kill('SIGKILL'));
  // A program may end without having read all it was given.
  child.stdin.on('error', () => {});
  const chunks: Buffer[] = [];
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = once(child, 'close').then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
    stdout: Buffer.concat(chunks),
    stderr,
  }));
  return { child, ended, stdout: () => Buffer.concat(chunks), stderr: () => stderr };
}

/** Waits until it has printed this; fails with what it printed instead when it ends before. */
export async function printed(run: Running, pattern: RegExp, from: 'stdout' | 'stderr' = 'stdout'): Promise<string> {
  let match: RegExpExecArray | null = null;
  await vi.waitUntil(
    () => {
      match = pattern.exec(run[from]().toString());
      return match !== null || run.child.exitCode !== null;
    },
    { timeout: 18_000, interval: 5 },
  );
  const found = match as RegExpExecArray | null;
  expect(found, `it printed ${run.stdout()}${run.stderr()}`).not.toBeNull();
  return found?.[1] ?? '';
}

/** `signalbox up` on a free port, with a state folder of its own. */
export async function startUp(options: Partial<ProgramOptions> & { args?: string[] } = {}) {
  const state = options.state ?? (await scratchFolder());
  const { args = [], ...rest } = options;
  const up = startProgram({ ...rest, state }, 'up', '--listen', 'http://127.0.0.1:0', ...args);
  const url = await printed(up, /rendezvous {3}(http:\/\/127\.0\.0\.1:\d+)\n/);
  return { up, state, url };
}

/** One `signalbox up` for all tests of a file; its state folder is known once they run. */
export function sharedUp(): { readonly state: string } {
  let state = '';
  let running: Running;
  beforeAll(async () => {
    state = await mkdtemp(join(tmpdir(), 'signalbox-cli-'));
    ({ up: running } = await startUp({ state, lasting: true }));
  });
  afterAll(async () => {
    running.child.kill('SIGTERM');
    await running.ended;
    await rm(state, { recursive: true, force: true });
  });
  return {
    get state() {
      return state;
    },
  };
}

/** A new token of the environment `box`. */
export async function createToken(state: string, role: 'executor' | 'harness'): Promise<string> {
  const made = await runProgram({ state }, ['token', 'create', '--role', role, '--env', 'box']);
  return made.stdout.toString().trim();
}

/** A rendezvous that outlives the test that starts it, and may be killed and started again at the same address. */
export async function startRendezvous(state: string, listen: string): Promise<{ run: Running; url: string }> {
  const run = startProgram({ state, lasting: true }, 'rendezvous', '--listen', listen, '--log-level', 'silent');
  return { run, url: await printed(run, /listens on (http:\/\/127\.0\.0\.1:\d+);/) };
}
