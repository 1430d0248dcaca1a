/**
 * `signalbox connect` as a program of its own: what it serves, and what it says when it cannot.
 */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { printed, runProgram, scratchFolder, startProgram } from './program.js';

async function startUp() {
  const state = await scratchFolder();
  const up = startProgram({ state }, 'up', '--listen', 'http://127.0.0.1:0');
  await printed(up, /is up/);
  return { state, up };
}

interface Reply {
  readonly id: number;
  readonly result?: { readonly sessionId?: string };
}

/** A client of the local endpoint, as any harness is. */
async function client(url: string) {
  const socket = new WebSocket(url);
  await once(socket, 'open');
  const ask = async (id: number, method: string, params: object): Promise<Reply> => {
    const answered = new Promise<Reply>((resolve) => {
      const look = (data: Buffer) => {
        const message = JSON.parse(data.toString('utf8')) as Reply;
        if (message.id !== id) return;
        socket.off('message', look);
        resolve(message);
      };
      socket.on('message', look);
    });
    socket.send(JSON.stringify({ id, method, params }));
    return await answered;
  };
  return { socket, ask };
}

describe('signalbox connect', () => {
  it('gives each client a session of its own, which a client that left can have again', async () => {
    const { state } = await startUp();
    const connect = startProgram({ state }, 'connect', '--listen', 'ws://127.0.0.1:0');
    const url = await printed(connect, /^(ws:\S+)$/m);
    const [one, other] = [await client(url), await client(url)];
    const initialize = { clientName: 'test', resumeSessionId: null };
    const [first, second] = await Promise.all([
      one.ask(1, 'initialize', initialize),
      other.ask(1, 'initialize', initialize),
    ]);
    expect(first.result?.sessionId).toBeDefined();
    expect(first.result?.sessionId).not.toBe(second.result?.sessionId);
    one.socket.close();
    const again = await client(url);
    await vi.waitFor(
      async () => {
        const resumed = await again.ask(1, 'initialize', {
          clientName: 'test',
          resumeSessionId: first.result?.sessionId,
        });
        expect(resumed.result?.sessionId).toBe(first.result?.sessionId);
      },
      { timeout: 10_000 },
    );
    connect.child.kill('SIGTERM');
    expect((await connect.ended).code).toBe(0);
  });

  it('speaks on standard streams, one message a line, and ends with its input', async () => {
    const { state } = await startUp();
    const request = JSON.stringify({ id: 1, method: 'initialize', params: { clientName: 'x', resumeSessionId: null } });
    const connect = startProgram({ state }, 'connect', '--listen', 'stdio');
    connect.child.stdin.write(`${request}\n`);
    await vi.waitFor(() => expect(connect.stdout().toString()).toContain('\n'), { timeout: 20_000 });
    expect(JSON.parse(connect.stdout().toString())).toMatchObject({ id: 1, result: { sessionId: expect.any(String) } });
    connect.child.stdin.end();
    expect((await connect.ended).code).toBe(0);
  });

  it('ends a client in a moment, and says why, when no executor is there', async () => {
    const state = await scratchFolder();
    const rendezvous = startProgram({ state }, 'rendezvous', '--listen', 'http://127.0.0.1:0');
    const remote = await printed(rendezvous, /listens on (http:\S+);/);
    const made = await runProgram({ state }, ['token', 'create', '--role', 'harness', '--env', 'box']);
    const env = { SIGNALBOX_TOKEN: made.stdout.toString().trim() };
    const connect = startProgram(
      { state, env },
      ...['connect', '--url', remote, '--env', 'box', '--listen', 'ws://127.0.0.1:0'],
    );
    const { socket } = await client(await printed(connect, /^(ws:\S+)$/m));
    await once(socket, 'close');
    expect(connect.stderr()).toContain('no executor is online for environment box');
  }, 30_000);

  it.each([
    ['is no executor of its own', ['--url', 'ws://127.0.0.1:1'], /needs no connect/],
    ['has nobody to talk to', [], /no executor to talk to/],
    [
      'is to listen where that is not possible',
      ['--url', 'http://127.0.0.1:1', '--env', 'x', '--listen', 'tcp:1'],
      /--listen must be/,
    ],
    ['lacks a token', ['--url', 'http://127.0.0.1:1', '--env', 'x'], /token/],
    [
      'is to let anybody in from anywhere',
      ['--url', 'ws://127.0.0.1:1/?role=harness', '--listen', 'ws://0.0.0.0:0'],
      /--ws-auth/,
    ],
  ])('says so in one line when it %s', async (_, args, words) => {
    const ended = await runProgram({ state: await scratchFolder() }, ['connect', ...args]);
    expect(ended.code).not.toBe(0);
    expect(ended.stderr).toMatch(words);
    expect(ended.stderr.trim().split('\n')).toHaveLength(1);
  });

  it('says what to do when the port is in use', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const ended = await runProgram({ state: await scratchFolder() }, [
      ...['connect', '--url', 'ws://127.0.0.1:1/?role=harness', '--listen', `ws://127.0.0.1:${port}`],
    ]);
    taken.close();
    expect(ended).toMatchObject({ code: 1, stderr: expect.stringContaining('the port is in use') });
  });
});
