/**
 * `npm run bench:inspector -- [--rounds N] [--seconds N] [--streams N] [--frames N] [--profile FOLDER]`: what it costs an
 * executor to be looked at. Two executors, one without an inspector and one that serves it, each with its own reliable
 * streams on one socket. The load goes to one of them at a time, for some seconds, in turns: to the one without; to the
 * other while nobody is there, while somebody reads its records and looks at a stream, and while the page itself is open
 * in Chromium, which competes for the same processor. So each is compared with what the same process, or the one beside
 * it, did a moment before. Prints the daemon's CPU for each request, as ratios within a round, and the page's frames a
 * second.
 */
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';
import { WebSocket } from 'ws';
import { createActor } from 'xstate';
import { connectionMachine } from '../../machines/connection.machine.js';
import { defaultConnectionTiming } from '../../machines/connection-types.js';
import { defaultStreamTiming } from '../../machines/stream-types.js';
import { defaultLimits } from '../../proto/limits.js';
import { RelayEndpoint } from '../../src/carrier/relay-endpoint.js';
import { RelaySocket } from '../../src/carrier/relay-socket.js';
import { silentLog } from '../../src/observe/log.js';
import { realClock } from '../../src/observe/real-clock.js';
import { startRendezvous } from '../../src/rendezvous/rendezvous.js';
import { harnessUrl } from '../../src/rendezvous/socket-url.js';
import { MemoryTokenStore } from '../../src/rendezvous/token-store.js';
import { chromiumArguments, findChromium } from '../observe/chromium-program.js';
import { cleanEnvironment, startProgram } from '../peers/process-tree.js';
import { type BenchSession, benchSession, initialized } from './bench-session.js';
import { cpuSeconds } from './process-cost.js';
import { median } from './workloads.js';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '8' },
    seconds: { type: 'string', default: '6' },
    streams: { type: 'string', default: '1000' },
    /** Data frames a second, both ways together; acknowledgements come on top. */
    frames: { type: 'string', default: '2000' },
    profile: { type: 'string' },
  },
});
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);
const streams = Number(values.streams);
const requestsASecond = Number(values.frames) / 2;
const print = (line: string) => process.stdout.write(`${line}\n`);

const MAIN = fileURLToPath(new URL('../../dist/bin/main.js', import.meta.url));
const TICK_MS = 10;
/** After the load has moved, before it is measured. */
const SETTLE_MS = 2000;

type Variant = 'without' | 'nobody there' | 'looked at' | 'page open';
const variants: readonly Variant[] = ['without', 'nobody there', 'looked at', 'page open'];

interface Measured {
  /** Microseconds of the daemon's CPU for each request: holds also where the machine does not keep up with the load. */
  readonly cpu: number;
  /** Requests answered a second. */
  readonly rate: number;
  /** Frames a second of the page's screen; only with a page. */
  readonly screen?: number;
  /** The longest time the page stood still, in milliseconds. */
  readonly slowest?: number;
}

interface Daemon {
  readonly pid: number;
  /** Of the page; undefined without an inspector. */
  readonly inspector: string | undefined;
  readonly sessions: readonly BenchSession[];
  stop(): Promise<void>;
}

async function startDaemon(name: string, isInspected: boolean): Promise<Daemon> {
  const bearer = tokens.create('executor', name).token;
  const profile = values.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${values.profile}`];
  const where = ['--remote', rendezvous.url, '--environment-id', name, '--relay', 'cleartext', '--log-level', 'info'];
  const inspect = isInspected ? ['--inspect'] : [];
  const daemon = await startProgram(process.execPath, [...profile, MAIN, 'executor', ...where, ...inspect], {
    cwd: '/',
    env: cleanEnvironment({ SIGNALBOX_TOKEN: bearer }),
  });
  await printed(daemon.output, /"msg":"(online)"/);
  const harness = harnessEnd(harnessUrl(rendezvous.url, name, tokens.create('harness', name).token));
  await harness.online();
  const sessions: BenchSession[] = [];
  for (let n = 0; n < streams; n += 1) sessions.push(await openSession(harness, `stream-${n}`));
  return {
    pid: daemon.pid,
    inspector: isInspected ? await printed(daemon.output, /inspector +(http:\S+)/) : undefined,
    sessions,
    stop: async () => {
      await harness.drain();
      // Writing a profile takes a while.
      await daemon.stop(30_000);
    },
  };
}

async function measure({ pid, sessions }: Daemon, variant: Variant, page: Page): Promise<Measured> {
  const { inspector = '' } = inspected;
  const reader = variant === 'looked at' ? await openReader(inspector) : undefined;
  if (variant === 'page open') await page.show(inspector);
  const load = startLoad(sessions);
  await after(SETTLE_MS);
  if (variant === 'page open') await page.count();
  const [from, began, before] = [cpuSeconds(pid), performance.now(), load.answered()];
  await after(seconds * 1000);
  const answered = load.answered() - before;
  const cpu = ((cpuSeconds(pid) - from) * 1e6) / answered;
  const rate = answered / ((performance.now() - began) / 1000);
  const screen = variant === 'page open' ? await page.counted() : undefined;
  await load.stop();
  reader?.terminate();
  await page.leave();
  return { cpu, rate, ...screen };
}

function harnessEnd(url: string): RelayEndpoint {
  return new RelayEndpoint({
    role: 'harness',
    retry: 'always',
    clock: realClock,
    log: silentLog,
    limits: defaultLimits,
    timing: defaultConnectionTiming,
    streamTiming: defaultStreamTiming,
    random: Math.random,
    locate: () => Promise.resolve({ url }),
    openCarrier: (to, listener) =>
      new RelaySocket({ url: to, longestMessage: defaultLimits.websocketMessageBytes, connectMs: 10_000 }, listener),
    accept: () => {
      throw new Error('a harness accepts no streams');
    },
    start: (input) => createActor(connectionMachine, { input, clock: realClock }).start(),
  });
}

async function openSession(harness: RelayEndpoint, streamId: string): Promise<BenchSession> {
  let session: BenchSession | undefined;
  const channel = harness.open(streamId, () => ({
    receive: (messages) => {
      for (const message of messages) session?.receive(Buffer.from(message));
    },
    ended: ({ reason }) => {
      if (reason !== 'harness_draining') print(`${streamId} ended: ${reason}`);
    },
  }));
  session = benchSession((message) => channel.send(message));
  return await initialized(session, (message) => channel.send(message));
}

/** Requests to the streams in turn, evenly over time. */
function startLoad(sessions: readonly BenchSession[]) {
  const began = performance.now();
  let asked = 0;
  let answered = 0;
  const timer = setInterval(() => {
    const due = ((performance.now() - began) / 1000) * requestsASecond;
    for (; asked < due; asked += 1) {
      const session = sessions[asked % sessions.length];
      void session?.request('process/terminate', { processId: 'none' }).then(() => {
        answered += 1;
      });
    }
  }, TICK_MS);
  return {
    answered: () => answered,
    /** Resolves when everything is answered. */
    stop: async () => {
      clearInterval(timer);
      while (answered < asked) await after(TICK_MS);
    },
  };
}

async function printed(output: { readonly stderr: string }, pattern: RegExp): Promise<string> {
  for (;;) {
    const found = pattern.exec(output.stderr)?.[1];
    if (found !== undefined) return found;
    await after(20);
  }
}

/** Counts what the screen shows, and the longest time it stood still, in milliseconds. */
const COUNT = `{
  window.counted = { frames: 0, slowest: 0, began: performance.now() };
  let last = performance.now();
  const next = () => {
    const now = performance.now();
    window.counted.frames += 1;
    window.counted.slowest = Math.max(window.counted.slowest, now - last);
    last = now;
    requestAnimationFrame(next);
  };
  requestAnimationFrame(next);
}`;
const COUNTED = `({
  screen: (window.counted.frames * 1000) / (performance.now() - window.counted.began),
  slowest: window.counted.slowest,
})`;

/** Takes everything that a page would be told and draws nothing. */
async function openReader(url: string): Promise<WebSocket> {
  const socket = new WebSocket(`${url.replace('http:', 'ws:')}records`);
  socket.on('message', (data) => {
    const [actor] = /"actor":"x:\d+","id":"stream:/.exec(String(data)) ?? [];
    if (actor !== undefined) socket.send(JSON.stringify({ focus: /x:\d+/.exec(actor)?.[0] }));
  });
  await once(socket, 'open');
  return socket;
}

interface Page {
  show(url: string): Promise<void>;
  leave(): Promise<void>;
  count(): Promise<void>;
  counted(): Promise<{ readonly screen: number; readonly slowest: number }>;
  close(): Promise<void>;
}

async function startBrowser(): Promise<Page> {
  const executablePath = findChromium();
  if (executablePath === undefined) throw new Error('this benchmark needs Chromium: apt-get install chromium');
  const browser = await chromium.launch({ executablePath, args: [...chromiumArguments] });
  const page = await browser.newPage({ viewport: { width: 1500, height: 860 } });
  return {
    show: async (url) => {
      await page.goto(url);
      // A stream is looked at, and the busiest order moves the whole list.
      await page.locator('.actor', { hasText: 'stream' }).first().click();
      await page.locator('#order').selectOption('recent');
    },
    leave: async () => void (await page.goto('about:blank')),
    count: async () => void (await page.evaluate(COUNT)),
    counted: () => page.evaluate(COUNTED),
    close: () => browser.close(),
  };
}

function after(ms: number): Promise<unknown> {
  return once(AbortSignal.timeout(ms), 'abort');
}

print(`${streams} streams, ${values.frames} data frames a second, ${seconds} s each, ${rounds} rounds in turns`);
const tokens = new MemoryTokenStore();
const rendezvous = await startRendezvous({ listen: 'http://127.0.0.1:0', tokens });
const plain = await startDaemon('plain', false);
const inspected = await startDaemon('inspected', true);
const page = await startBrowser();
const results: ReadonlyMap<Variant, Measured[]> = new Map(variants.map((variant) => [variant, []]));
// The first round compiles and is not counted.
for (let round = 0; round <= rounds; round += 1) {
  // Who goes first changes, so that none always follows the same one.
  for (let turn = 0; turn < variants.length; turn += 1) {
    const variant = variants[(turn + round) % variants.length] as Variant;
    const measured = await measure(variant === 'without' ? plain : inspected, variant, page);
    if (round === 0) continue;
    results.get(variant)?.push(measured);
    const screen = measured.screen === undefined ? '' : `, page ${measured.screen.toFixed(0)} frames/s`;
    print(`  ${variant}: ${measured.cpu.toFixed(0)} µs a request, ${measured.rate.toFixed(0)} a second${screen}`);
  }
}
await page.close();
await plain.stop();
await inspected.stop();
await rendezvous.close();

/** Each of its rounds as a share of the same round of the other. */
function ratios(variant: Variant, base: Variant): number[] {
  return (results.get(variant) ?? []).map(({ cpu }, round) => cpu / (results.get(base)?.[round]?.cpu ?? Number.NaN));
}

function percent(ratio: number): string {
  return `${ratio < 1 ? '' : '+'}${((ratio - 1) * 100).toFixed(1)} %`;
}

for (const [variant, base] of [
  ['without', 'without'],
  ['nobody there', 'without'],
  ['looked at', 'nobody there'],
  ['page open', 'nobody there'],
] as const) {
  const all = results.get(variant) ?? [];
  const cpus = all.map(({ cpu }) => cpu);
  const shares = ratios(variant, base);
  const [least, most] = [Math.min(...shares), Math.max(...shares)];
  const more =
    variant === base ? '' : `; beside ${base} ${percent(median(shares))} (${percent(least)} to ${percent(most)})`;
  const screens = all.flatMap(({ screen }) => screen ?? []);
  const slowest = all.flatMap((one) => one.slowest ?? []);
  const shown =
    screens.length === 0
      ? ''
      : `; page ${median(screens).toFixed(0)} frames/s (least ${Math.min(...screens).toFixed(0)}), longest pause ${Math.max(...slowest).toFixed(0)} ms`;
  print(`${variant.padEnd(14)} ${median(cpus).toFixed(0)} µs of CPU a request${more}${shown}`);
}
