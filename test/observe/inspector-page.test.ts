/**
 * The inspector's page in a real browser, on running systems: what a person would see of a stream that opens, of a gap, of
 * a frame sent again, of a crash; and that a page of somebody else sees nothing.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from 'playwright-core';
import { expect, it, onTestFinished, vi } from 'vitest';
import { printed, startProgram, startUp } from '../cli/program.js';
import { describeWithChromium } from './chromium.js';
import { inspectedExecutor } from './inspected-executor.js';

const LONG = { timeout: 60_000 };
const NO_FAULTS = { drop: 0, duplicate: 0, reorder: 0, delayMs: 0, delaySpreadMs: 0, cutMs: 0, seed: 7 };
const waits = { timeout: 30_000 };

const actor = (page: Page, name: string) => page.locator('.actor:visible', { hasText: name });

async function texts(page: Page, selector: string): Promise<string[]> {
  return await page.locator(selector).allTextContents();
}

describeWithChromium('the inspector page', (open) => {
  it('shows a system under faults, from the address that up prints', LONG, async () => {
    const { up, state } = await startUp({ args: ['--faults', 'drop=6%,dup=6%,reorder=3,delay=8ms±6,seed=11'] });
    const url = await printed(up, /inspector {4}(http:\S+)\n/);
    // In the end the program goes away under it.
    const page = await open(url, { mayComplain: true });
    await page.locator('#connection[data-connected=true]').waitFor(waits);
    await actor(page, 'connection local').waitFor(waits);
    // A stream that opens is what the page turns to.
    const script = 'n=0; while [ $n -lt 400 ]; do n=$((n+1)); echo line $n; done; cat; sleep 60';
    const exec = startProgram({ state }, 'exec', '--', 'sh', '-c', script);
    exec.child.stdin.write('x'.repeat(2_000_000));
    await page.locator('#chart-title', { hasText: 'stream' }).waitFor(waits);
    for (const kind of ['again', 'gap', 'fills']) {
      // Whatever has scrolled out of sight by now is found by scrolling.
      await vi.waitUntil(async () => (await seen(page)).has(kind), waits);
    }
    expect(await texts(page, '#plot-round-trip output')).not.toEqual(['–']);
    up.child.kill('SIGTERM');
    await page.locator('#connection[data-connected=false]').waitFor(waits);
    await vi.waitUntil(async () => (await page.locator('#connection').textContent())?.includes('trying again'), waits);
  });

  it('follows a stream from opening to its end, and can go back to each moment', LONG, async () => {
    const { inspector, connect } = await inspectedExecutor({
      faults: { ...NO_FAULTS, drop: 0.08, reorder: 3, delayMs: 5, delaySpreadMs: 4 },
    });
    const page = await open(inspector.url);
    await actor(page, 'connection').waitFor(waits);
    const harness = await connect();
    const child = await harness.startProcess({ argv: ['cat'], stdin: true });
    child.stdout.resume();
    for (let n = 0; n < 40; n += 1) await new Promise((resolve) => child.stdin.write('y'.repeat(20_000), resolve));
    const stream = actor(page, 'stream');
    await stream.click();
    await vi.waitUntil(async () => (await seen(page)).has('again'), waits);
    child.stdin.end();
    await child.closed;
    await harness.close();
    await page.locator('.actor[data-status=done]:visible', { hasText: 'stream' }).waitFor(waits);

    // Everything the stream went through is there to be stepped through.
    await page.keyboard.press('l');
    const states = new Set<string>();
    const scrub = page.locator('#scrub');
    for (const place of [999, 0]) await scrub.fill(String(place));
    const status = page.locator('#chart-status');
    for (let step = 0; step < 400; step += 1) {
      states.add((await status.textContent()) ?? '');
      await page.keyboard.press(']');
    }
    const all = [...states].join('\n');
    for (const state of ['receiving.inOrder', 'receiving.gapped', 'sending.idle', 'sending.inFlight.flowing']) {
      expect(all).toContain(state);
    }
    expect(await page.locator('#connection').textContent()).toBe('paused');
    const clock = await page.locator('#clock').textContent();
    await page.locator('#copy-link').click();
    const link = page.url();
    expect(link).toMatch(/#actor=stream%3A[\w-]+&at=\d+\.\d+$/);

    // The link leads another window to the same moment.
    const other = await open(link);
    await vi.waitUntil(async () => (await other.locator('#connection').textContent()) === 'paused', waits);
    await other.locator('#chart-title', { hasText: 'stream' }).waitFor(waits);
    expect(clock?.split(' ')[0]).toBeTruthy();
    await page.keyboard.press('l');
    await vi.waitUntil(async () => (await page.locator('#connection').textContent()) === 'live', waits);
  });

  it('lights the active states of the chart and the edges that were taken', LONG, async ({ skip }) => {
    const { inspector, connect } = await inspectedExecutor();
    const response = await fetch(new URL('charts/index.json', inspector.url));
    const charts = (await response.json()) as string[];
    if (!charts.includes('stream')) skip('the charts are not drawn yet: npm run charts');
    const page = await open(inspector.url);
    const harness = await connect();
    await actor(page, 'stream').click();
    const lit = (state: string) => page.locator(`#chart [data-state="${state}"].active`);
    await lit('stream.reliable.sending.idle').waitFor(waits);
    await lit('stream.reliable').waitFor(waits);
    expect(await lit('stream.cleartext').count()).toBe(0);
    await harness.request('environment/info', {});
    await page
      .locator('#chart .edge.taken')
      .first()
      .waitFor({ ...waits, state: 'attached' });
    // At a moment of the past its edges stay lit.
    await page.keyboard.press('[');
    await page
      .locator('#chart .edge.taken')
      .first()
      .waitFor({ ...waits, state: 'attached' });
    await page.keyboard.press('l');
    await vi.waitUntil(async () => (await page.locator('#chart .edge.taken').count()) === 0, waits);
  });

  it('shows a crash where it happened, and lives on', LONG, async () => {
    const { inspector, connect, streams } = await inspectedExecutor();
    const page = await open(inspector.url);
    await connect();
    await actor(page, 'stream').waitFor(waits);
    // What no peer can send.
    streams()[0]?.send({ type: 'frames', frames: undefined });
    const crashed = page.locator('.actor[data-status=error]:visible');
    await crashed.waitFor(waits);
    expect(await crashed.textContent()).toContain('TypeError');
    await page.locator('#crashed', { hasText: '1 crashed' }).click();
    expect(await page.locator('.actor:visible').count()).toBe(1);
    await crashed.click();
    await page.locator('#chart-status[data-status=error]', { hasText: 'TypeError' }).waitFor(waits);
    // The rest of the system has not noticed, and the harness that lost its stream comes back on another.
    await connect();
    await page.locator('#crashed').click();
    await page.locator('.actor[data-status=active]:visible', { hasText: 'stream' }).first().waitFor(waits);
  });

  it('tells a page that comes late what is there, and costs nothing once all pages are gone', LONG, async () => {
    const { inspector, connect, observation } = await inspectedExecutor();
    const harness = await connect();
    await harness.startProcess({ argv: ['sleep', '60'] });
    expect(observation.isWatched).toBe(false);
    const page = await open(inspector.url);
    for (const [name, state] of [
      ['executor', 'running'],
      ['connection', 'attached'],
      ['stream', 'reliable'],
      ['session', 'ready'],
      ['process', 'running'],
    ] as const) {
      await actor(page, name).filter({ hasText: state }).waitFor(waits);
    }
    expect(await page.locator('#actor-count').textContent()).toMatch(/^\d+$/);
    expect(observation.isWatched).toBe(true);
    await page.context().close();
    await vi.waitUntil(() => !observation.isWatched, waits);
  });

  it('can be used without a mouse, by search and by keys, and on a telephone', LONG, async () => {
    const { inspector, connect } = await inspectedExecutor();
    await connect();
    const page = await open(inspector.url, { viewport: { width: 390, height: 780 }, colorScheme: 'dark' });
    await actor(page, 'stream').waitFor(waits);
    await page.keyboard.press('/');
    await page.keyboard.type('session');
    await vi.waitUntil(async () => (await page.locator('.actor:visible').count()) === 1, waits);
    await page.keyboard.press('Escape');
    await page.locator('#tree').focus();
    await page.keyboard.press('End');
    await page.locator('#tree[aria-activedescendant]').waitFor(waits);
    expect(await page.locator('[role=treeitem][aria-selected=true]:visible').getAttribute('aria-label')).toMatch(
      /^session:/,
    );
    for (const [tab, pane] of [
      ['Chart', '#chart-pane'],
      ['Details', '#details-pane'],
      ['Frames', '#ladder-pane'],
    ] as const) {
      await page.getByRole('tab', { name: tab, exact: true }).click();
      await page.locator(pane).waitFor(waits);
    }
    // Nothing is wider than the window.
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    await page.keyboard.press('?');
    await page.locator('#help[open]').waitFor(waits);
  });

  it('is no page that another page can read or frame', LONG, async () => {
    const { inspector, observation } = await inspectedExecutor();
    const foreign = createServer((_request, response) => {
      response.setHeader('content-type', 'text/html').end('<!doctype html><title>foreign</title><body></body>');
    });
    await new Promise<void>((resolve) => foreign.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void foreign.close());
    const { port } = foreign.address() as AddressInfo;
    const page = await open(`http://127.0.0.1:${port}/`, { mayComplain: true });
    const got = await page.evaluate(`(${TRY_EVERYTHING})(${JSON.stringify(inspector.url)})`);
    expect(got).toEqual(['refused', 'refused', 'opaque', 'refused']);
    expect(observation.isWatched).toBe(false);
  });
});

/** What a page of somebody else could try, who knows the whole address. */
const TRY_EVERYTHING = `async (url) => {
  const socket = new Promise((resolve) => {
    const tried = new WebSocket(url.replace('http:', 'ws:') + 'records');
    tried.onopen = () => resolve('open');
    tried.onerror = () => resolve('refused');
  });
  const read = fetch(url).then((response) => response.text(), () => 'refused');
  const blind = fetch(url, { mode: 'no-cors' }).then((response) => response.type, () => 'refused');
  const script = new Promise((resolve) => {
    const element = document.createElement('script');
    element.src = url + 'page.js';
    element.onload = () => resolve('loaded');
    element.onerror = () => resolve('refused');
    document.body.append(element);
  });
  return await Promise.all([socket, read, blind, script]);
}`;

const LOOK_EVERYWHERE = `(async () => {
  const list = document.querySelector('#ladder');
  const found = new Set();
  for (let top = list.scrollHeight; top > -list.clientHeight; top -= list.clientHeight) {
    list.scrollTop = Math.max(0, top);
    await new Promise((resolve) => requestAnimationFrame(resolve));
    for (const rung of list.querySelectorAll('.rung:not([hidden])')) found.add(rung.dataset.kind);
  }
  return [...found];
})()`;

/** Kinds of rungs there are, wherever the list is scrolled to. */
async function seen(page: Page): Promise<ReadonlySet<string>> {
  return new Set((await page.evaluate(LOOK_EVERYWHERE)) as string[]);
}
