/**
 * `signalbox exec -t` in a real terminal: tmux shows it, and types. Programs that draw, sizes, keys that are signals,
 * and what is left of the terminal afterwards.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { cleanEnvironment } from '../peers/process-tree.js';
import { MAIN, sharedUp } from './program.js';

// Each step is a program that starts, and somebody who types.
vi.setConfig({ testTimeout: 90_000 });

const NEEDED = ['tmux', 'vim', 'less', 'top'];
const missing = NEEDED.filter((name) => spawnSync('sh', ['-c', `command -v ${name}`]).status !== 0);

/** A terminal of 100 by 30 with a shell in it that knows `$signalbox`. */
class Terminal {
  readonly #socket: string;

  constructor(folder: string, state: string) {
    this.#socket = join(folder, 'tmux');
    const env = cleanEnvironment({
      XDG_STATE_HOME: state,
      HOME: folder,
      PS1: '$ ',
      signalbox: `${process.execPath} ${MAIN}`,
      TERM: 'xterm-256color',
    });
    execFileSync('tmux', ['-S', this.#socket, '-f', '/dev/null', 'new-session', '-d', '-x', '100', '-y', '30', 'sh'], {
      env,
      cwd: folder,
    });
  }

  type(...keys: string[]): void {
    this.#tmux('send-keys', ...keys);
  }

  resize(columns: number, rows: number): void {
    this.#tmux('resize-window', '-x', String(columns), '-y', String(rows));
  }

  get screen(): string {
    return this.#tmux('capture-pane', '-p');
  }

  async shows(pattern: RegExp): Promise<string> {
    await vi.waitFor(() => expect(this.screen).toMatch(pattern), { timeout: 30_000, interval: 50 });
    return this.screen;
  }

  close(): void {
    spawnSync('tmux', ['-S', this.#socket, 'kill-server']);
  }

  #tmux(...args: string[]): string {
    return execFileSync('tmux', ['-S', this.#socket, ...args], { encoding: 'utf8' });
  }
}

const title = 'signalbox exec -t in a terminal';

if (missing.length > 0) {
  const reason = `not installed: ${missing.join(', ')}`;
  if (process.env.CI) {
    it(title, () => expect.fail(reason));
  } else {
    process.stderr.write(`skipped: ${title}. ${reason}\n`);
    it.skip(title);
  }
} else {
  describe(title, () => {
    const up = sharedUp();
    let folder: string;
    let terminal: Terminal;

    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'signalbox-terminal-'));
      terminal = new Terminal(folder, up.state);
    });
    afterEach(async () => {
      terminal.close();
      await rm(folder, { recursive: true, force: true });
    });

    /** Types a command for the other machine, which runs in the folder of the test. */
    const exec = (command: string) =>
      terminal.type(`$signalbox exec -t -w ${folder} -- ${command}; echo "ended $?"`, 'Enter');

    it('has the size of the terminal, and of another one when it changes', async () => {
      exec(`sh -c 'stty size; trap "stty size" WINCH; echo ready; while :; do sleep 0.05; done'`);
      await terminal.shows(/^30 100\nready$/m);
      terminal.resize(80, 20);
      await terminal.shows(/^20 80$/m);
      terminal.type('C-c');
      await terminal.shows(/ended 130/);
    });

    it('runs vim, and leaves the terminal as it was', async () => {
      exec('vim -u NONE -i NONE note.txt');
      await terminal.shows(/~\n.*~\n/);
      terminal.type('i', 'written in vim: äöü', 'Escape', ':wq', 'Enter');
      await terminal.shows(/ended 0/);
      expect(await readFile(join(folder, 'note.txt'), 'utf8')).toBe('written in vim: äöü\n');
      // Cooked again: what is typed is shown, and Enter ends a line.
      terminal.type('echo "still $((6 * 7))"', 'Enter');
      await terminal.shows(/^still 42$/m);
    });

    it('runs less, page by page', async () => {
      exec(`sh -c 'seq 1 200 | less'`);
      expect(await terminal.shows(/^1\n2\n/m)).not.toMatch(/^60$/m);
      terminal.type('Space');
      await terminal.shows(/^45$/m);
      terminal.type('G');
      await terminal.shows(/^200$/m);
      terminal.type('q');
      await terminal.shows(/ended 0/);
    });

    it('runs top until it is told to end', async () => {
      exec('top');
      await terminal.shows(/PID +USER/);
      terminal.type('q');
      await terminal.shows(/ended 0/);
    });

    it('sends Ctrl-C and Ctrl-Z over there, to whoever is in the foreground there', async () => {
      exec('env PS1=there: sh -i');
      await terminal.shows(/there:$/m);
      terminal.type('sleep 100', 'Enter');
      terminal.type('C-c');
      terminal.type('echo "after $?"', 'Enter');
      await terminal.shows(/after 130$/m);
      terminal.type('sleep 100', 'Enter');
      terminal.type('C-z');
      await terminal.shows(/[Ss]topped|Suspended/);
      terminal.type('fg', 'Enter');
      await terminal.shows(/there:fg\nsleep 100$/m);
      terminal.type('C-c');
      terminal.type('exit 7', 'Enter');
      await terminal.shows(/ended 7/);
    });

    it('is left by ~. at the start of a line, and kills the command', async () => {
      exec(`sh -c 'echo $$ > pid; exec sleep 1000'`);
      await vi.waitFor(async () => expect(await readFile(join(folder, 'pid'), 'utf8')).toMatch(/\d/), {
        timeout: 20_000,
      });
      terminal.type('~', '.');
      await terminal.shows(/ended 129/);
      const pid = Number(await readFile(join(folder, 'pid'), 'utf8'));
      await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow(), { timeout: 10_000 });
    });

    it('comes back to a job with a terminal, which goes on when it is left', async () => {
      terminal.type(`$signalbox exec -dit -w ${folder} -- env PS1=there: sh -i > job`, 'Enter', 'clear', 'Enter');
      await vi.waitFor(async () => expect(await readFile(join(folder, 'job'), 'utf8')).toMatch(/^[\w-]{36}$/m), {
        timeout: 20_000,
      });
      const attach = () => terminal.type('$signalbox attach $(cat job); echo "left $?"', 'Enter');
      attach();
      await terminal.shows(/there:$/m);
      terminal.type('there=$((6 * 7))', 'Enter');
      terminal.type('Enter', '~', '.');
      await terminal.shows(/left 129/);
      terminal.type('clear', 'Enter');
      attach();
      await terminal.shows(/there:there=/);
      terminal.type('echo "it is $there"; exit 4', 'Enter');
      await terminal.shows(/it is 42[\s\S]*left 4/);
    });
  });
}
