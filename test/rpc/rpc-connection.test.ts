import { describe, expect, it } from 'vitest';
import { silentLog } from '../../src/observe/log.js';
import type { ConnectionPeer } from '../../src/rpc/rpc-connection.js';
import { type MethodResult, Parked, type RpcMethod } from '../../src/rpc/rpc-method.js';
import { createRpcServer } from '../../src/rpc/rpc-server.js';
import { MemoryTransport } from '../executor/memory-client.js';

class Peer implements ConnectionPeer {
  readonly closings: string[] = [];
  notified(): boolean {
    return true;
  }
  writable(): void {}
  closed(reason: string): void {
    this.closings.push(reason);
  }
}

const LIMITS = { queuedMessages: 4, queuedBytes: 1_000 };

function serving(call: (params: unknown) => MethodResult, concurrency = 1, messageBytes = 200) {
  const peer = new Peer();
  const method: RpcMethod<Peer> = { decode: (params) => params, admit: () => {}, call };
  const methods = new Map([['call', method]]);
  const server = createRpcServer({
    methods,
    open: () => peer,
    limits: { ...LIMITS, messageBytes },
    concurrency,
    log: silentLog,
  });
  const transport = new MemoryTransport();
  const replies: { id: unknown; result?: unknown; error?: { message: string } }[] = [];
  transport.onMessage = (bytes) => replies.push(JSON.parse(Buffer.from(bytes).toString()));
  const connection = server.accept(transport);
  const send = (...ids: number[]) =>
    connection.receive(ids.map((id) => Buffer.from(JSON.stringify({ id, method: 'call', params: id }))));
  return { peer, transport, connection, replies, send };
}

/** A promise the test settles. */
function later() {
  const settlers = new Map<unknown, (result: object) => void>();
  const call = (key: unknown) => new Promise<object>((resolve) => settlers.set(key, resolve));
  return { settlers, call };
}

const drained = () => new Promise((resolve) => setImmediate(resolve));

describe('a served connection', () => {
  it('answers synchronous methods before receive returns', () => {
    const { replies, send } = serving((params) => ({ params }));
    send(1, 2, 3);
    expect(replies.map(({ id }) => id)).toEqual([1, 2, 3]);
  });

  it('ends a strict transport that brings what is no message, and answers on any other', () => {
    const { peer, transport, connection, replies } = serving((params) => ({ params }));
    connection.receive([Buffer.from('no JSON')]);
    expect(replies).toHaveLength(1);
    Object.assign(transport, { isStrict: true });
    connection.receive([Buffer.from('no JSON')]);
    expect(replies).toHaveLength(1);
    expect(peer.closings).toEqual(['message_malformed']);
  });

  it('serves strictly one request at a time, in order', async () => {
    const { settlers, call } = later();
    const { replies, send } = serving((params) => (params === 1 ? call(params) : { params }));
    send(1, 2, 3);
    expect(replies).toEqual([]);
    settlers.get(1)?.({});
    await drained();
    expect(replies.map(({ id }) => id)).toEqual([1, 2, 3]);
  });

  it('serves several at a time when told to', async () => {
    const { settlers, call } = later();
    const { replies, send } = serving(call, 2);
    send(1, 2, 3);
    expect([...settlers.keys()]).toEqual([1, 2]);
    settlers.get(2)?.({});
    await drained();
    expect([...settlers.keys()]).toEqual([1, 2, 3]);
    expect(replies.map(({ id }) => id)).toEqual([2]);
  });

  it('goes on while a parked answer waits', async () => {
    const { settlers, call } = later();
    const { replies, send } = serving((params) => (params === 1 ? new Parked(call(params)) : { params }));
    send(1, 2);
    expect(replies.map(({ id }) => id)).toEqual([2]);
    settlers.get(1)?.({});
    await drained();
    expect(replies.map(({ id }) => id)).toEqual([2, 1]);
  });

  it('ends when more waits than it holds', () => {
    const { peer, transport, send } = serving(() => new Promise(() => {}));
    send(1, 2, 3, 4, 5);
    expect(transport.ended).toBeUndefined();
    send(6);
    expect(transport.ended).toBe('queue_full');
    expect(peer.closings).toEqual(['queue_full']);
  });

  it('holds the peer back while much waits, and lets it go again', async () => {
    const { settlers, call } = later();
    const { transport, send } = serving(call);
    send(1, 2);
    expect(transport.reading).toBe(true);
    send(3);
    expect(transport.reading).toBe(false);
    for (const id of [1, 2, 3]) {
      settlers.get(id)?.({});
      await drained();
    }
    expect(transport.reading).toBe(true);
    expect(transport.ended).toBeUndefined();
  });

  it('still answers little things while nobody takes its answers, so that a process can be ended', () => {
    const { transport, replies, send } = serving(() => ({}));
    transport.block();
    send(1, 2);
    expect(replies.map(({ id }) => id)).toEqual([1, 2]);
  });

  it('serves nothing more once a megabyte of answers waits for somebody to take them', () => {
    const { transport, replies, send } = serving(() => ({ text: 'x'.repeat(600 * 1024) }), 1, 1024 * 1024);
    transport.block();
    send(1, 2, 3);
    expect(replies.map(({ id }) => id)).toEqual([1, 2]);
    transport.unblock();
    expect(replies.map(({ id }) => id)).toEqual([1, 2, 3]);
  });

  it('never tells what went wrong inside', () => {
    const { replies, send } = serving(() => {
      throw new Error('secret');
    });
    send(1);
    expect(JSON.stringify(replies)).not.toContain('secret');
    expect(replies[0]?.error?.message).toBe('internal error');
  });

  it('refuses an answer larger than the transport carries', () => {
    const { replies, send } = serving(() => ({ text: 'x'.repeat(300) }));
    send(1);
    expect(replies[0]?.error?.message).toContain('at most 200');
  });

  it('says nothing after its end, and ends once', async () => {
    const { settlers, call } = later();
    const { peer, connection, replies, send } = serving(call);
    send(1);
    connection.closed('gone');
    connection.closed('again');
    settlers.get(1)?.({});
    await drained();
    send(2);
    expect(replies).toEqual([]);
    expect(peer.closings).toEqual(['gone']);
  });
});
