import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { plainFrame } from '../../proto/frame.js';
import { encodeFrame } from '../../proto/frame-codec.js';
import { type FakeRendezvous, startFakeRendezvous } from './fake-rendezvous.js';

describe('fake rendezvous', () => {
  let rendezvous: FakeRendezvous;
  const clients: WebSocket[] = [];

  beforeEach(async () => {
    rendezvous = await startFakeRendezvous();
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) client.terminate();
    await rendezvous.close();
  });

  function connect(path = ''): WebSocket {
    const client = new WebSocket(rendezvous.url + path);
    clients.push(client.on('error', () => {}));
    return client;
  }

  async function join() {
    const client = connect();
    await once(client, 'open');
    return { client, socket: await rendezvous.sockets.first() };
  }

  it('keeps frames and strays in one order of arrival', async () => {
    const { client, socket } = await join();
    const heard: string[] = [];
    socket.onFrame(({ streamId }) => heard.push(streamId));
    client.send(encodeFrame(plainFrame('s1', { kind: 'heartbeat' })));
    client.send('text');
    client.send(Buffer.from([0xff]));
    client.send(encodeFrame(plainFrame('s2', { kind: 'reset', reason: 'why' })));
    expect((await socket.frames.atLeast(2)).map(({ order, frame }) => [order, frame.streamId])).toEqual([
      [0, 's1'],
      [3, 's2'],
    ]);
    expect(socket.strays.items).toEqual(['text', Buffer.from([0xff])]);
    expect(socket.framesOf('s2')).toMatchObject([{ body: { kind: 'reset', reason: 'why' } }]);
    expect(heard).toEqual(['s1', 's2']);
  });

  it('sends frames, arbitrary bytes and text', async () => {
    const { client, socket } = await join();
    const got: [string, boolean][] = [];
    client.on('message', (data: Buffer, isBinary) => got.push([data.toString('hex'), isBinary]));
    socket.reset('s1', 'x');
    socket.sendBytes(new Uint8Array([1, 2]));
    socket.sendText('A');
    await expect
      .poll(() => got)
      .toEqual([
        ['08011202733142030a0178', true],
        ['0102', true],
        ['41', false],
      ]);
  });

  it('refuses or hangs upgrades as planned, then accepts again', async () => {
    rendezvous.next({ kind: 'refuse', status: 410 }, { kind: 'hang' });
    const [, response] = await once(connect('/refused'), 'unexpected-response');
    expect((response as { statusCode: number }).statusCode).toBe(410);
    const hanging = connect('/hangs?a=b');
    await rendezvous.upgrades.atLeast(2);
    await join();
    expect(hanging.readyState).toBe(WebSocket.CONNECTING);
    expect(rendezvous.upgrades.items).toEqual(['/refused', '/hangs?a=b', '/']);
    expect(rendezvous.sockets.items.length).toBe(1);
  });

  it('answers pings until told not to, and pings itself', async () => {
    const { client, socket } = await join();
    const pong = once(client, 'pong');
    client.ping('one');
    expect(String((await pong)[0])).toBe('one');
    socket.stopAnsweringPings();
    let answered = false;
    client.once('pong', () => {
      answered = true;
    });
    client.ping('two');
    await socket.pings.atLeast(2);
    // What is sent after the missing answer would arrive after it.
    await socket.ping('back');
    expect(answered).toBe(false);
  });

  it('drops a socket without a word and closes one with a word', async () => {
    const { client, socket } = await join();
    const dropped = once(client, 'close');
    socket.drop();
    expect((await dropped)[0]).toBe(1006);
    const again = connect();
    await once(again, 'open');
    const closed = once(again, 'close');
    (await rendezvous.sockets.atLeast(2))[1]?.close(1012, 'restart');
    expect([(await closed)[0], (await rendezvous.sockets.items[1]?.closed)?.code]).toEqual([1012, 1012]);
  });
});
