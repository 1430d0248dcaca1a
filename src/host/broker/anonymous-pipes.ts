/**
 * Pipes without a name, for children's input. A FIFO will not do there: whoever opens /dev/stdin after the writer has
 * closed waits for ever on a FIFO, and reads to the end on a pipe. Node makes no pipes, a shell does: the stages of a
 * pipeline stand still while their pipes are opened through /proc. Linux only; runs in the helper, which stays small.
 */
import { spawn } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';

/**
 * Each stage holds its stdin as 5, which it never reads, tells its pid on descriptor 3, and waits for the end of 4.
 * (`read` puts what it reads from in the place of stdin meanwhile.)
 */
const STAGE = 'S() { exec 5<&0; read -r pid rest < /proc/self/stat; echo "$pid" >&3; read -r end <&4; }';

/** Calls back once, with the read ends: blocking, as children expect them. */
export function makeAnonymousPipes(
  count: number,
  done: (outcome: { readonly ends: readonly number[] } | { readonly error: Error }) => void,
): void {
  // The first stage gives the second one its pipe and has none itself: it tells no pid.
  const stages = ['read -r end <&4', ...Array.from({ length: count }, () => 'S')].join(' | ');
  const shell = spawn('/bin/sh', ['-c', `${STAGE}; ${stages}`], {
    env: {},
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
  });
  let finished = false;
  const finish = (outcome: { readonly ends: readonly number[] } | { readonly error: Error }) => {
    if (finished) return;
    finished = true;
    (shell.stdio[4] as Writable | undefined)?.end();
    done(outcome);
  };
  shell.once('error', (error) => finish({ error }));
  if (shell.pid === undefined) return;
  shell.once('exit', () => finish({ error: new Error('the shell that makes pipes ended early') }));
  shell.stdio[4]?.on('error', () => {
    // It ended by itself, and `exit` says so.
  });
  let told = '';
  (shell.stdio[3] as Readable).on('data', (bytes: Buffer) => {
    told += bytes.toString();
    const pids = told.split('\n').slice(0, -1);
    if (pids.length === count) finish(openPipes(pids));
  });
}

function openPipes(pids: readonly string[]): { readonly ends: readonly number[] } | { readonly error: Error } {
  const ends: number[] = [];
  try {
    for (const pid of pids) ends.push(openSync(`/proc/${pid}/fd/5`, constants.O_RDONLY));
    return { ends };
  } catch (error) {
    for (const end of ends) closeSync(end);
    return { error: error as Error };
  }
}
