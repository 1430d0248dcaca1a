/**
 * `--inspect` as a person writes it, and what the programs print of it.
 */
import { describe, expect, it } from 'vitest';
import { parseInspect } from '../../src/cli/inspect-option.js';
import { printed, runProgram, scratchFolder, startProgram, startUp } from './program.js';

describe('--inspect', () => {
  it('takes a port, an address with a port, or stately', () => {
    expect(parseInspect('7421')).toEqual({ host: '127.0.0.1', port: 7421, stately: false });
    expect(parseInspect('127.0.0.2:0')).toEqual({ host: '127.0.0.2', port: 0, stately: false });
    expect(parseInspect('[::1]:7421')).toEqual({ host: '::1', port: 7421, stately: false });
    expect(parseInspect('stately')).toEqual({ host: '127.0.0.1', port: 0, stately: true });
  });

  it.each(['', 'localhost:1', '127.0.0.1', '300.0.0.1:1', '127.0.0.1:70000', 'page', '127.0.0.1:'])(
    'refuses %j',
    (text) => {
      expect(() => parseInspect(text)).toThrow(/expected IP:PORT/);
    },
  );
});

describe('signalbox up', () => {
  it('prints the address of the page, which ends with the program', async () => {
    const { up } = await startUp();
    const url = await printed(up, /inspector {4}(http:\/\/127\.0\.0\.1:\d+\/\S+\/)\n/);
    expect((await fetch(url)).status).toBe(200);
    up.child.kill('SIGTERM');
    expect((await up.ended).code).toBe(0);
    await expect(fetch(url)).rejects.toThrow();
  });

  it('serves none when it is not wanted', async () => {
    const { up } = await startUp({ args: ['--no-inspect'] });
    await printed(up, /Try it (in) another terminal/);
    expect(up.stdout().toString()).not.toMatch(/inspector {4}http/);
  });

  it('says what is wrong with a port that is taken', async () => {
    const { up } = await startUp();
    const port = await printed(up, /inspector {4}http:\/\/127\.0\.0\.1:(\d+)\//);
    const args = ['up', '--listen', 'http://127.0.0.1:0', '--inspect-port', port];
    const run = await runProgram({ state: await scratchFolder() }, args);
    expect(run.code).toBe(1);
    expect(run.stderr).toMatch(
      /^signalbox: the inspector cannot listen on 127\.0\.0\.1:\d+: the port is in use[^\n]*\n$/,
    );
  });

  it('serves the bridge to the Stately inspector on demand', async () => {
    const { up } = await startUp({ args: ['--inspect=stately'] });
    const url = await printed(up, /stately {6}(http:\S+\/stately\/) \(shown by a page of a third party\)/);
    expect(await (await fetch(url)).text()).toContain('https://stately.ai/inspect');
  });
});

describe('signalbox executor --inspect', () => {
  it('prints the address on standard error: standard output is the listeners’', async () => {
    const args = ['executor', '--listen', 'ws://127.0.0.1:0', '--log-level', 'silent', '--inspect'];
    const run = startProgram({ state: await scratchFolder() }, ...args);
    const url = await printed(run, /inspector {4}(http:\S+)\n/, 'stderr');
    expect((await fetch(url)).status).toBe(200);
    expect(await printed(run, /^(ws:\S+)\n$/)).toMatch(/^ws:/);
    run.child.kill('SIGTERM');
    expect((await run.ended).code).toBe(0);
  });
});
