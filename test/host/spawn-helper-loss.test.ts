import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { SpawnBroker } from '../../src/host/broker/spawn-broker.js';
import { UNKNOWN_EXIT_CODE } from '../../src/host/host-child.js';
import { readProcess } from '../../src/host/process-table.js';
import { WatchedChild } from './watched-child.js';

const brokers: SpawnBroker[] = [];
afterEach(() => {
  for (const broker of brokers.splice(0)) broker.close();
});

function newBroker(): SpawnBroker {
  const broker = new SpawnBroker();
  brokers.push(broker);
  return broker;
}

function killHelper(broker: SpawnBroker): number {
  const pid = broker.helperPid;
  if (pid === undefined) throw new Error('there is no helper');
  process.kill(pid, 'SIGKILL');
  return pid;
}

/** Gone, or a zombie that nobody in this container reaps. */
function isDead(pid: number): boolean {
  const entry = readProcess(pid);
  return entry === undefined || entry.state === 'Z';
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe('when the helper is killed', () => {
  it('running children go on: read, written to, signalled, ended, and told of', async () => {
    const broker = newBroker();
    const talker = WatchedChild.script(broker, 'echo ready; read line; echo "got $line"; exit 3', { stdin: 'pipe' });
    const trapper = WatchedChild.script(
      broker,
      'trap "echo int; exit 4" INT; echo ready; while :; do sleep 0.02; done',
    );
    const sleeper = WatchedChild.script(broker, 'echo ready; sleep 1000 & wait');
    const terminal = WatchedChild.terminal(broker, 'echo ready; read line; echo "tty $line"; seq 1 20000');
    const all = [talker, trapper, sleeper, terminal];
    await Promise.all(all.map((child) => child.sees(() => child.text().includes('ready'))));
    const first = killHelper(broker);
    await until(() => broker.helperPid !== undefined && broker.helperPid !== first);
    talker.child.write(Buffer.from('hello\n'));
    terminal.child.write(Buffer.from('hello\n'));
    trapper.child.signalGroup('SIGINT');
    sleeper.child.signalGroup('SIGKILL');
    const ends = await Promise.all(all.map((child) => child.done()));
    // What init reaped before us nobody can know; a real code is exact.
    for (const [index, code] of [3, 4, 137, 0].entries()) {
      expect([code, index === 3 ? code : UNKNOWN_EXIT_CODE, UNKNOWN_EXIT_CODE]).toContain(ends[index]);
    }
    expect(talker.text()).toBe('ready\ngot hello\n');
    expect(trapper.text()).toBe('ready\nint\n');
    expect(terminal.text()).toContain('tty hello');
    expect(terminal.text().endsWith('\r\n20000\r\n')).toBe(true);
    expect(await WatchedChild.script(broker, 'exit 5').done()).toBe(5);
  });

  it('again and again under load, nothing runs twice and nothing is lost in silence', async () => {
    const broker = newBroker();
    const folder = mkdtempSync(join(tmpdir(), 'broker-'));
    const record = join(folder, 'ran');
    writeFileSync(record, '');
    const children: WatchedChild[] = [];
    let kills = 0;
    let finished = 0;
    const run = async (index: number) => {
      const text = `echo ${index} >> ${record}; seq 1 2000; echo done`;
      const child = index % 4 === 3 ? WatchedChild.terminal(broker, text) : WatchedChild.script(broker, text);
      children[index] = child;
      await child.done().catch(() => {});
      finished++;
      if (finished % 80 !== 0 || broker.helperPid === undefined) return;
      killHelper(broker);
      kills++;
    };
    let next = 0;
    const lane = async () => {
      while (next < 400) await run(next++);
    };
    await Promise.all(Array.from({ length: 24 }, lane));
    expect(kills).toBeGreaterThan(2);
    const ran = readFileSync(record, 'utf8').trim().split('\n').map(Number);
    expect(new Set(ran).size).toBe(ran.length);
    let lost = 0;
    for (const [index, child] of children.entries()) {
      if (child.error === undefined) {
        expect(ran.includes(index), `child ${index} told its end and did not run`).toBe(true);
        expect(child.text().replaceAll('\r', '').endsWith('\n2000\ndone\n'), `output of ${index}`).toBe(true);
        expect([0, UNKNOWN_EXIT_CODE]).toContain(child.exitCode);
      } else {
        expect(child.error).toMatchObject({ code: 'spawn_helper_lost' });
        lost++;
      }
    }
    // Only what was being forked at that instant is in doubt: at most one a kill.
    expect(lost).toBeLessThanOrEqual(kills);
    rmSync(folder, { recursive: true });
  });

  it('while it starts, starts wait for the next one', async () => {
    const broker = newBroker();
    const child = WatchedChild.script(broker, 'exit 6');
    killHelper(broker);
    expect(await child.done()).toBe(6);
  });

  it('a helper that stands still is replaced, and what it held was not run', async () => {
    const broker = newBroker();
    await WatchedChild.script(broker, 'exit 0').done();
    const stopped = broker.helperPid ?? 0;
    process.kill(stopped, 'SIGSTOP');
    const child = WatchedChild.script(broker, 'exit 7');
    // As its deadline would, only sooner.
    process.kill(stopped, 'SIGKILL');
    expect(await child.done()).toBe(7);
  });
});

describe('when the daemon is killed', () => {
  it('the helper ends and takes the groups of all children along, also those of helpers before it', async () => {
    const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
    const program = fileURLToPath(new URL('./broker-daemon.ts', import.meta.url));
    const folder = mkdtempSync(join(tmpdir(), 'broker-'));
    const daemon = spawn(process.execPath, ['--import', loader, program], {
      env: { ...process.env, TMPDIR: folder },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let told = '';
    daemon.stdout.on('data', (bytes: Buffer) => {
      told += bytes.toString();
    });
    await until(() => told.includes('\n'));
    const { helper, children } = JSON.parse(told) as { helper: number; children: number[] };
    expect(children).toHaveLength(4);
    expect([helper, ...children].map(isDead)).toEqual([false, false, false, false, false]);
    daemon.kill('SIGKILL');
    await until(() => [helper, ...children].every(isDead));
    await until(() => !readdirSync(folder).some((name) => name.startsWith('signalbox-')));
    rmSync(folder, { recursive: true });
  });
});
