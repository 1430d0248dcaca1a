/**
 * Recordings as a person makes them: `up`, `exec`, `executor` and `rendezvous` as processes under faults, recorded by
 * themselves and from outside; then drawn, counted, run again, and opened.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text as textFrom } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { describeWithChromium } from '../observe/chromium.js';
import { serve } from '../stand-ins/tcp-server.js';
import { printed, runProgram, scratchFolder, startProgram, startUp } from './program.js';

const SMALL = fileURLToPath(new URL('../recordings/golden/small.jsonl', import.meta.url));
const SAID = 'sesame-7f3a';
const FAULTS = 'drop=5%,dup=5%,reorder=3,delay=10ms±5,cut=1s,seed=7';

async function trace(...args: string[]) {
  const { code, stdout, stderr } = await runProgram({ state: await scratchFolder() }, ['trace', ...args]);
  return { code, stdout: stdout.toString(), stderr };
}

const textOf = (path: string) => readFile(path, 'utf8');

describe('signalbox --trace', () => {
  it('records both ends under faults, and each recording runs again the same', { timeout: 120_000 }, async () => {
    const folder = await scratchFolder();
    const at = (name: string) => join(folder, `${name}.jsonl`);
    const { up, state, url } = await startUp({
      args: ['--faults', FAULTS, '--trace', at('up'), '--log-level', 'silent'],
    });
    onTestFinished(() => void up.child.kill('SIGKILL'));
    const outside = startProgram({ state }, 'trace', 'record', '--env', 'local', '-o', at('outside'));
    await printed(outside, /(recording) 127\.0\.0\.1:\d+ to/, 'stderr');
    const script = `echo ${SAID}; n=1; while [ $n -le 30 ]; do echo "line $n"; n=$((n+1)); sleep 0.1; done; exit 3`;
    const { token } = JSON.parse(await textOf(join(state, 'signalbox', 'up.json')));
    const run = (name: string, ...args: string[]) =>
      runProgram({ state, env: { SIGNALBOX_TOKEN: token } }, [
        'exec',
        ...args,
        '--trace',
        at(name),
        '--',
        'sh',
        '-c',
        script,
      ]);
    const clear = `${url.replace('http', 'ws')}/ws/environment/local?role=harness`;
    const runs = await Promise.all([run('encrypted'), run('clear', '--url', clear)]);
    expect(runs.map(({ code, stderr }) => [code, stderr])).toEqual([
      [3, ''],
      [3, ''],
    ]);
    outside.child.kill('SIGINT');
    const recorded = await outside.ended;
    expect([recorded.code, recorded.stderr]).toEqual([0, expect.stringMatching(/\n.*\d{3,} records written\n$/)]);
    up.child.kill('SIGTERM');
    expect((await up.ended).code).toBe(0);
    for (const name of ['up', 'outside', 'encrypted', 'clear']) {
      const replayed = await trace('replay', at(name));
      expect([replayed.code, replayed.stderr], name).toEqual([0, '']);
      expect(replayed.stdout).toMatch(/\d{2,} transitions and \d{2,} frames the same/);
      const text = await textOf(at(name));
      expect(text).not.toContain(SAID);
      expect(text).not.toContain(token);
      expect(text).not.toContain('"payload":');
    }
    const clearText = await textOf(at('clear'));
    // A cut carrier, and frames that were sent again: what is proved of a calm run is not proved.
    expect(clearText).toContain('"event":"carrier.back"');
    expect((await textOf(at('up'))).match(/"cause":/g)?.length).toBeGreaterThan(0);
    expect((await textOf(at('up'))).split('\n')[0]).toMatch(/"seed":7/);
  });

  it('records copies, ports, jobs and passages, and each recording runs again the same', {
    timeout: 120_000,
  }, async () => {
    const folder = await scratchFolder();
    const at = (name: string) => join(folder, `${name}.jsonl`);
    const { up, state } = await startUp({ args: ['--log-level', 'silent'] });
    onTestFinished(() => void up.child.kill('SIGKILL'));
    const signalbox = (...args: string[]) => runProgram({ state }, args);
    await writeFile(join(folder, 'source'), SAID.repeat(100_000));
    const copied = await signalbox('cp', '--trace', at('cp'), join(folder, 'source'), `:${join(folder, 'target')}`);
    expect([copied.code, copied.stderr]).toEqual([0, '']);
    const { stdout: job } = await signalbox('exec', '--detach', '--', 'sh', '-c', `echo ${SAID}; exit 4`);
    const attached = await signalbox('attach', '--trace', at('attach'), job.toString().trim());
    expect([attached.code, attached.stdout.toString()]).toEqual([4, `${SAID}\n`]);
    const passage = startProgram({ state }, 'connect', '--listen', 'ws://127.0.0.1:0', '--trace', at('connect'));
    const address = await printed(passage, /^(ws:\S+)$/m);
    const through = await signalbox('exec', '--url', address, '--', 'echo', SAID);
    expect([through.code, through.stdout.toString()]).toEqual([0, `${SAID}\n`]);
    const echo = await serve((socket) => socket.pipe(socket));
    const forward = startProgram({ state }, 'forward', `0:${echo}`, '--trace', at('forward'));
    const port = Number(await printed(forward, /^127\.0\.0\.1:(\d+) -> /m));
    const socket = connect(port, '127.0.0.1');
    socket.end(SAID);
    expect(await textFrom(socket)).toBe(SAID);
    for (const { child, ended } of [passage, forward]) {
      child.kill('SIGINT');
      expect((await ended).code).toBe(0);
    }
    for (const name of ['cp', 'attach', 'connect', 'forward']) {
      const replayed = await trace('replay', at(name));
      expect([replayed.code, replayed.stderr], name).toEqual([0, '']);
      expect(replayed.stdout, name).toMatch(
        /1 connection and \d+ streams?: \d{2,} transitions and \d+ frames the same/,
      );
      expect(await textOf(at(name))).not.toContain(SAID);
    }
  });

  it('records what was sent only when asked, and says so loudly', { timeout: 60_000 }, async () => {
    const folder = await scratchFolder();
    const { up, state, url } = await startUp({ args: ['--log-level', 'silent'] });
    const file = join(folder, 'run.jsonl');
    const { token } = JSON.parse(await textOf(join(state, 'signalbox', 'up.json')));
    const clear = ['--url', `${url.replace('http', 'ws')}/ws/environment/local?role=harness`];
    const options = { state, env: { SIGNALBOX_TOKEN: token } };
    const refused = await runProgram(options, ['exec', ...clear, '--payloads', '--', 'true']);
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('give --trace FILE beside it')]);
    const run = await runProgram(options, ['exec', ...clear, '--trace', file, '--payloads', '--', 'echo', SAID]);
    expect(run.stderr).toMatch(/PAYLOADS ARE RECORDED in .*run\.jsonl/);
    const payloads = [...(await textOf(file)).matchAll(/"payload":"([^"]+)"/g)].map(([, text = '']) => text);
    const said = payloads.map((text) => Buffer.from(text, 'base64').toString()).join('\n');
    expect(said).toContain(SAID);
    expect(said).not.toContain(token);
    expect((await trace('replay', file)).code).toBe(0);
    up.child.kill('SIGTERM');
    await up.ended;
  });

  it('records sockets and sizes at a rendezvous, and what an executor there does', { timeout: 60_000 }, async () => {
    const state = await scratchFolder();
    const tokenOf = async (role: string) =>
      (await runProgram({ state }, ['token', 'create', '--role', role, '--env', 'box1'])).stdout.toString().trim();
    const [harness, executor] = [await tokenOf('harness'), await tokenOf('executor')];
    const routed = join(state, 'routed.jsonl');
    const listen = ['--listen', 'http://127.0.0.1:0', '--log-level', 'silent', '--trace', routed];
    const rendezvous = startProgram({ state }, 'rendezvous', ...listen);
    const url = await printed(rendezvous, /listens on (\S+);/);
    const served = join(state, 'served.jsonl');
    const address = ['--remote', url, '--environment-id', 'box1', '--trace', served];
    const daemon = startProgram({ state, env: { SIGNALBOX_TOKEN: executor } }, 'executor', ...address);
    await printed(daemon, /"msg":"(online)"/, 'stderr');
    const args = ['exec', '--url', url, '--env', 'box1', '--', 'echo', SAID];
    const run = await runProgram({ state, env: { SIGNALBOX_TOKEN: harness } }, args);
    expect(run.stdout.toString()).toBe(`${SAID}\n`);
    for (const program of [daemon, rendezvous]) {
      program.child.kill('SIGTERM');
      await program.ended;
    }
    const text = await textOf(routed);
    expect(text).toMatch(/"type":"socket.attached".*"role":"executor"/);
    expect(text).toMatch(/"type":"frame.routed".*"from":"harness","kind":"data".*"fate":"passed"/);
    expect(text).toMatch(/"type":"socket.detached".*"role":"harness","code":\d+/);
    for (const secret of [SAID, harness, executor]) {
      expect(text).not.toContain(secret);
      expect(await textOf(served)).not.toContain(secret);
    }
    expect((await trace('show', routed, '--width', '80')).stdout).toMatch(/├─ data · \d+ B ─+▶│/);
    expect(await trace('replay', served)).toMatchObject({ code: 0, stderr: '' });
  });
});

describe('signalbox trace', () => {
  it('draws, counts and runs a recording again', async () => {
    const shown = await trace('show', SMALL, '--width', '120');
    expect(shown).toEqual({ code: 0, stderr: '', stdout: await textOf(SMALL.replace('.jsonl', '-120.txt')) });
    const part = await trace('show', SMALL, '--width', '60', '--from', '0.3', '--to', '0.33', '--stream', '5eba');
    expect(part.stdout).toContain('nothing was heard');
    expect(part.stdout).not.toContain('carrier');
    const svg = join(await scratchFolder(), 'small.svg');
    expect((await trace('show', SMALL, '--svg', svg)).code).toBe(0);
    expect(await textOf(svg)).toMatch(/^<svg [\s\S]*again: probe[\s\S]*<\/svg>\n$/);
    const stats = JSON.parse((await trace('stats', SMALL, '--json')).stdout);
    expect(stats.streams).toEqual([expect.objectContaining({ stream: '5eba5714', carriersLost: 1, end: 'closed' })]);
    const replayed = await trace('replay', SMALL);
    expect(replayed).toEqual({
      code: 0,
      stderr: '',
      stdout: expect.stringMatching(
        /^\d+ inputs to 1 connection and 1 stream: \d+ transitions and 15 frames the same\n$/,
      ),
    });
  });

  it('says where a replay differs, with exit code 1', async () => {
    const lines = (await textOf(SMALL)).split('\n');
    const at = lines.findIndex((line) => line.includes('"dir":"out"') && line.includes('"seq":4'));
    const file = join(await scratchFolder(), 'altered.jsonl');
    await writeFile(file, lines.with(at, (lines[at] ?? '').replace('"seq":4', '"seq":5')).join('\n'));
    const { code, stderr } = await trace('replay', file);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      new RegExp(
        `altered\\.jsonl, line ${at + 1} \\(0\\.190 s\\), frames of stream 5eba5714:\\n {2}recorded {2}sent data 5 .*\\n {2}replayed {2}sent data 4 `,
      ),
    );
  });

  it('names the line of what is no recording, with exit code 3', { timeout: 60_000 }, async () => {
    const folder = await scratchFolder();
    const text = await textOf(SMALL);
    const file = join(folder, 'broken.jsonl');
    for (const [broken, message] of [
      ['{"level":30}\n', /broken\.jsonl is not a recording of signalbox/],
      [text.replace('"version":1', '"version":9'), /version 9; this signalbox reads version 1/],
      [text.replace('"type":"frame","at":20,', '"type":"frame","at":"soon",'), /broken\.jsonl, line \d+: frame: at: /],
    ] as const) {
      await writeFile(file, broken);
      for (const command of ['show', 'stats', 'replay', 'open']) {
        const { code, stderr } = await trace(command, file);
        expect([code, command], stderr).toEqual([3, command]);
        expect(stderr).toMatch(message);
      }
    }
    await writeFile(file, text.slice(0, -10));
    const cut = await trace('replay', file);
    expect([cut.code, cut.stderr]).toEqual([0, expect.stringMatching(/the last line \(\d+\) is cut off/)]);
  });

  it('says what to do when there is nothing to record', async () => {
    const nobody = await trace('record', '-o', 'x.jsonl');
    expect([nobody.code, nobody.stderr]).toEqual([
      1,
      expect.stringMatching(/start "signalbox up" here, or give --url/),
    ]);
    const wrong = await trace('record', '--url', 'ftp://x', '-o', 'x.jsonl');
    expect(wrong.stderr).toMatch(/looks like http:\/\/127\.0\.0\.1:PORT\/TOKEN\//);
    const { up, state } = await startUp({ args: ['--log-level', 'silent'] });
    const { inspector } = JSON.parse(await textOf(join(state, 'signalbox', 'up.json')));
    const guessed = await trace('record', '--url', inspector.replace(/[^/]+\/$/, 'guessed/'), '-o', 'x.jsonl');
    expect(guessed.stderr).toMatch(/its token is not that of the program there/);
    up.child.kill('SIGTERM');
    await up.ended;
  });
});

describeWithChromium('signalbox trace open', (open) => {
  it('shows the recording in the page, to be stepped through', async () => {
    const run = startProgram({ state: await scratchFolder() }, 'trace', 'open', SMALL);
    const url = await printed(run, /(http:\/\/127\.0\.0\.1:\d+\/\S+\/)/);
    const page = await open(url);
    await vi.waitFor(async () => expect(await page.locator('#connection').textContent()).toBe('recording'), 10_000);
    await page.getByText('stream 5eba5714').first().click();
    await vi.waitFor(async () => expect(await page.locator('#chart-status').textContent()).toContain('closed'), 10_000);
    for (let step = 0; step < 12; step += 1) await page.keyboard.press('[');
    expect(await page.locator('#connection').textContent()).toBe('paused');
    await vi.waitFor(async () => expect(await page.locator('#chart-status').textContent()).not.toContain('closed'));
    run.child.kill('SIGINT');
    expect((await run.ended).code).toBe(0);
  });
});
