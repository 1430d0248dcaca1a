import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { SpawnBroker } from '../../src/host/broker/spawn-broker.js';
import { brokeredSpawners, directSpawners } from '../../src/host/broker/spawners.js';
import { PATH, WatchedChild } from './watched-child.js';

const MIB = 1024 * 1024;
const broker = new SpawnBroker();
afterAll(() => broker.close());

const script = (text: string, spec = {}) => WatchedChild.script(broker, text, spec);
const output = async (text: string, spec = {}) => {
  const child = script(text, spec);
  await child.done();
  return child.text();
};

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe('a child of the broker', () => {
  it('has real pipes, which can be opened by name', async () => {
    const child = script('echo out > /dev/stdout; echo err > /dev/stderr; cat /dev/stdin', { stdin: 'pipe' });
    await child.started;
    child.child.write(Buffer.from('in'));
    child.child.endInput();
    expect(await child.done()).toBe(0);
    expect(child.text('stdout')).toBe('out\nin');
    expect(child.text('stderr')).toBe('err\n');
    const late = script('read -r go < /dev/stdin; cat /dev/stdin', { stdin: 'pipe' });
    await late.started;
    late.child.write(Buffer.from('go'));
    late.child.endInput();
    expect(await late.done()).toBe(0);
  });

  it('inherits nothing else', async () => {
    const child = new WatchedChild(broker, { program: 'ls', args: ['/proc/self/fd'] });
    await child.done();
    // 3 is the folder that is listed.
    expect(child.text().trim().split('\n')).toEqual(['0', '1', '2', '3']);
    const terminal = WatchedChild.terminal(broker, 'exec ls /proc/self/fd');
    await terminal.done();
    expect(terminal.text().trim().split(/\s+/)).toEqual(['0', '1', '2', '3']);
    expect((await output('grep -E "^Sig(Ign|Blk)" /proc/self/status')).match(/0{16}/g)).toHaveLength(2);
    const env = new WatchedChild(broker, { program: 'env', env: { A: '1', PATH } });
    await env.done();
    expect(env.text()).toBe(`A=1\nPATH=${PATH}\n`);
  });

  it('leads its session and group, with pipes and on a terminal', async () => {
    for (const child of [script('cat /proc/$$/stat'), WatchedChild.terminal(broker, 'cat /proc/$$/stat')]) {
      await child.done();
      const [group, session] = child.text().split(') ')[1]?.split(' ').slice(2, 4) ?? [];
      expect([Number(group), Number(session)]).toEqual([child.pid, child.pid]);
    }
  });

  it('has a controlling terminal of its own', async () => {
    const child = WatchedChild.terminal(broker, 'test -t 0 && echo $(stty size) > /dev/tty; echo "[$TERM]"');
    expect(await child.done()).toBe(0);
    expect(child.text()).toBe('24 80\r\n[]\r\n');
  });

  it.each([
    ['exit 0', 0],
    ['exit 255', 255],
    ['kill -9 $$', 137],
    ['kill -TERM $$', 143],
    ['kill -INT $$', 130],
    ['kill -ABRT $$', 134],
  ])('tells the end of %s as %i', async (text, code) => {
    expect(await script(text).done()).toBe(code);
  });

  it('gets its arguments, environment and bytes whatever they hold', async () => {
    const args = Array.from({ length: 1_000 }, (_, index) => `${index} "'\\\n\u{1F600} ${'x'.repeat(900)}`);
    const echoed = new WatchedChild(broker, { program: '/usr/bin/printf', args: ['%s\\0', ...args] });
    await echoed.done();
    expect(echoed.text()).toBe(args.map((arg) => `${arg}\0`).join(''));
    const env = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`NAME.${index}`, `value ${index}\n=`]));
    const told = new WatchedChild(broker, { program: '/usr/bin/env', args: ['-0'], env });
    await told.done();
    expect(told.text()).toBe(
      Object.entries(env)
        .map(([name, value]) => `${name}=${value}\0`)
        .join(''),
    );
    const every = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
    const cat = new WatchedChild(broker, { program: 'cat', stdin: 'pipe' });
    await cat.started;
    cat.child.write(every);
    cat.child.endInput();
    await cat.done();
    expect(cat.bytes().equals(every)).toBe(true);
  });

  it('that cannot start says why, and costs nothing', async () => {
    const refusal = async (spec: object) => (await new WatchedChild(broker, spec).refusal()).message;
    const gone = mkdtempSync(join(tmpdir(), 'gone-'));
    rmSync(gone, { recursive: true });
    expect(await refusal({ program: '/no/such' })).toBe('No such file or directory (os error 2)');
    expect(await refusal({ program: 'no-such' })).toBe('No such file or directory (os error 2)');
    expect(await refusal({ cwd: gone })).toBe('No such file or directory (os error 2)');
    expect(await refusal({ cwd: '/etc/passwd' })).toBe('Not a directory (os error 20)');
    expect(await refusal({ program: '/etc/passwd' })).toBe('Permission denied (os error 13)');
    expect(await refusal({ args: ['x'.repeat(200_000)] })).toBe('Argument list too long (os error 7)');
    expect(await refusal({ args: ['a\0b'] })).toContain('null bytes');
    expect(await output('echo fine')).toBe('fine\n');
  });

  it('is over only when nobody can write any more, however early it exits', async () => {
    const holder = script('exec 3<&0; (read go <&3; echo late) & exit 4', { stdin: 'pipe' });
    await holder.sees(() => holder.exitCode !== undefined);
    expect([holder.exitCode, holder.ended]).toEqual([4, false]);
    holder.child.endInput();
    expect(await holder.done()).toBe(4);
    expect(holder.text()).toBe('late\n');
    expect(holder.events.indexOf('stdout')).toBeGreaterThan(holder.events.indexOf('exited'));
  });

  it('loses no byte, on pipes and on a terminal', async () => {
    const runs = Number(process.env.SIGNALBOX_RUNS ?? 40);
    const expected = `${Array.from({ length: 20_000 }, (_, index) => index + 1).join('\n')}\nEND\n`;
    for (let run = 0; run < runs; run++) {
      const piped = script('seq 1 20000; echo END');
      const terminal = WatchedChild.terminal(broker, 'seq 1 20000; echo END');
      expect([await piped.done(), await terminal.done()]).toEqual([0, 0]);
      expect(piped.text() === expected, `pipe ${run}`).toBe(true);
      expect(terminal.text().replaceAll('\r\n', '\n') === expected, `terminal ${run}`).toBe(true);
    }
  });

  it('stands still while nobody reads it, and loses nothing', async () => {
    const total = Number(process.env.SIGNALBOX_BULK_MIB ?? 200) * MIB;
    const child = script(`head -c ${total} /dev/zero`);
    const before = process.memoryUsage().arrayBuffers;
    let most = 0;
    child.onOutput = () => {
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
      child.child.pause();
      setImmediate(() => child.child.resume());
    };
    expect(await child.done()).toBe(0);
    expect(child.received).toBe(total);
    expect(most).toBeLessThan(64 * MIB);
  });

  it('is killed with its group, also before it is there', async () => {
    const child = script('sleep 1000 & echo $!; wait');
    await child.sees(() => child.text().includes('\n'));
    child.child.signalGroup('SIGKILL');
    expect(await child.done()).toBe(137);
    const marker = mkdtempSync(join(tmpdir(), 'broker-'));
    const early = Array.from({ length: 60 }, () => script(`sleep 1000; touch ${marker}/ran`));
    for (const { child } of early) child.signalGroup('SIGKILL');
    for (const one of early) {
      const outcome = await one.done().catch((error: Error & { code: string }) => error.code);
      expect([137, 'spawn_cancelled']).toContain(outcome);
    }
    const terminal = WatchedChild.terminal(broker, 'sleep 1000');
    terminal.child.signalGroup('SIGKILL');
    expect(await terminal.done().catch((error: Error & { code: string }) => error.code)).toBe(1);
    expect(readdirSync(marker)).toEqual([]);
    rmSync(marker, { recursive: true });
  });

  it('leaves no descriptor open here or in the helper, and no file', async () => {
    const descriptors = () => readdirSync('/proc/self/fd').length;
    const inHelper = () => readdirSync(`/proc/${broker.helperPid}/fd`).length;
    const runs = Number(process.env.SIGNALBOX_RUNS ?? 100);
    await Promise.all(Array.from({ length: 50 }, () => script('exit 0', { stdin: 'pipe' }).done()));
    const before = descriptors();
    const beforeInHelper = inHelper();
    for (let run = 0; run < runs; run += 10) {
      const children = Array.from({ length: 9 }, () => script('exit 0', { stdin: run % 20 === 0 ? 'pipe' : 'null' }));
      await Promise.all([...children, WatchedChild.terminal(broker, 'exit 0')].map((child) => child.done()));
      await new WatchedChild(broker, { program: '/no/such' }).refusal();
    }
    // Both hold a pool of pipes, which is sometimes full and sometimes not.
    const pool = 160;
    expect(descriptors()).toBeLessThan(before + pool);
    expect(inHelper()).toBeLessThan(beforeInHelper + pool);
    await until(() => !readdirSync(tmpdir()).some((name) => name.startsWith(`signalbox-pipes-${broker.helperPid}-`)));
  });

  it('is one of 300 that start and end at once', async () => {
    const children = Array.from({ length: 300 }, () => script('echo up; exec sleep 1000'));
    await Promise.all(children.map((child) => child.sees(() => child.text() === 'up\n')));
    expect(new Set(children.map(({ pid }) => pid)).size).toBe(300);
    for (const { child } of children) child.signalGroup('SIGKILL');
    expect(await Promise.all(children.map((child) => child.done()))).toEqual(children.map(() => 137));
  });
});

describe('a broker', () => {
  it('says so when no pipes can be made, and goes on when they can', async () => {
    const root = join(mkdtempSync(join(tmpdir(), 'broker-')), 'later');
    const without = new SpawnBroker({ pipeRoot: root });
    const refused = await WatchedChild.script(without, 'exit 0').refusal();
    expect([refused.code, refused.message]).toEqual(['spawn_pipes_failed', expect.stringContaining(root)]);
    expect((await WatchedChild.script(without, 'exit 0').refusal()).code).toBe('spawn_pipes_failed');
    mkdirSync(root);
    expect(await WatchedChild.script(without, 'exit 3').done()).toBe(3);
    without.close();
    rmSync(join(root, '..'), { recursive: true });
  });

  it('removes what a crash left behind', async () => {
    const root = mkdtempSync(join(tmpdir(), 'broker-'));
    mkdirSync(join(root, 'signalbox-pipes-999999999-abc'));
    writeFileSync(join(root, 'signalbox-pipes-999999999-abc', '1'), '');
    mkdirSync(join(root, `signalbox-pipes-${process.pid}-abc`));
    mkdirSync(join(root, 'something-else'));
    const other = new SpawnBroker({ pipeRoot: root });
    expect(await WatchedChild.script(other, 'exit 0').done()).toBe(0);
    await until(() => readdirSync(root).length === 2);
    expect(readdirSync(root).sort()).toEqual([`signalbox-pipes-${process.pid}-abc`, 'something-else']);
    other.close();
    rmSync(root, { recursive: true });
  });

  it('starts nothing after its end, and takes its helper along', async () => {
    const other = new SpawnBroker();
    const child = WatchedChild.script(other, 'sleep 1000');
    await child.started;
    const { helperPid } = other;
    const late = WatchedChild.script(other, 'exit 0');
    other.close();
    expect((await late.refusal()).code).toBe('spawn_cancelled');
    expect((await WatchedChild.script(other, 'exit 0').refusal()).code).toBe('spawn_cancelled');
    await until(() => !readdirSync('/proc').includes(String(helperPid)));
    await until(() => child.ended);
  });

  it('is not used where pipes cannot be made', () => {
    const { PATH: path } = process.env;
    process.env.PATH = '/nowhere';
    try {
      expect(brokeredSpawners()).toBe(directSpawners);
    } finally {
      process.env.PATH = path;
    }
  });

  it('has a small helper that holds none of its secrets', async () => {
    process.env.BROKER_TEST_TOKEN = 'secret';
    const other = new SpawnBroker();
    await WatchedChild.script(other, 'exit 0').done();
    delete process.env.BROKER_TEST_TOKEN;
    expect(readFileSync(`/proc/${other.helperPid}/environ`, 'latin1')).not.toContain('BROKER_TEST_TOKEN');
    other.close();
  });
});
