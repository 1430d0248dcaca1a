import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { createExecutor } from '../../src/executor/executor.js';
import { listenWebSocket, type WebSocketListener } from '../../src/executor/websocket-listener.js';
import { AwaitedList } from '../stand-ins/awaited-list.js';
import type { Message } from './memory-client.js';

const executor = createExecutor();
let listener: WebSocketListener;

beforeAll(async () => {
  listener = await listenWebSocket({ host: '127.0.0.1', port: 0, server: executor.server });
});

afterAll(async () => {
  await listener.close();
  await executor.drain();
});

async function connect(path = '/', options: object = {}) {
  const socket = new WebSocket(`${listener.url}${path}`, { perMessageDeflate: false, ...options });
  const messages = new AwaitedList<Message & { binary: boolean }>('messages', (message) => JSON.stringify(message));
  socket.on('message', (data: Buffer, binary) =>
    messages.push({ ...(JSON.parse(data.toString()) as Message), binary }),
  );
  await once(socket, 'open');
  return { socket, messages };
}

async function statusOf(path: string, options: object = {}): Promise<number> {
  const socket = new WebSocket(`${listener.url}${path}`, options);
  const [, response] = (await once(socket, 'unexpected-response')) as [
    unknown,
    { statusCode: number; destroy(): void },
  ];
  response.destroy();
  return response.statusCode;
}

describe('the WebSocket listener', () => {
  it('takes text and binary messages and answers with text', async () => {
    const { socket, messages } = await connect('/?x=1');
    socket.send(Buffer.from('{"id":1,"method":"initialize","params":{"clientName":"t"}}'));
    socket.send('{"method":"initialized"}');
    socket.send('{"id":2,"method":"environment/status"}');
    const reply = await messages.first(({ id }) => id === 2);
    expect(reply).toMatchObject({ result: { status: 'ready' }, binary: false });
    socket.send('{nope');
    const { error } = await messages.first(({ id }) => id === -1);
    expect(error?.message).toMatch(
      /^failed to parse websocket JSON-RPC message from exec-server websocket 127\.0\.0\.1:\d+: /,
    );
    socket.terminate();
  });

  it('refuses browsers and other paths', async () => {
    expect(await statusOf('/', { origin: 'http://127.0.0.1' })).toBe(403);
    expect(await statusOf('/other')).toBe(404);
  });

  it.each([
    ['GET', '/readyz', 200, ''],
    ['HEAD', '/livez', 200, ''],
    ['POST', '/readyz', 405, ''],
    ['GET', '/healthz', 404, ''],
    ['GET', '/', 400, "Connection header did not include 'upgrade'"],
    ['POST', '/', 405, 'Request method must be `GET`'],
  ])('%s %s', async (method, path, status, body) => {
    const response = await fetch(listener.url.replace('ws:', 'http:') + path, { method });
    expect([response.status, await response.text()]).toEqual([status, body]);
  });

  it('drops a connection that sends too much at once, and no other', async () => {
    const [one, other] = [await connect(), await connect()];
    one.socket.on('error', () => {});
    one.socket.send(Buffer.alloc(17 * 1024 * 1024, 32));
    const [code] = await once(one.socket, 'close');
    expect(code).toBe(1006);
    other.socket.send('{"id":1,"method":"initialize","params":{"clientName":"t"}}');
    expect((await other.messages.first()).result?.sessionId).toBeTypeOf('string');
    other.socket.terminate();
  });

  it('detaches the session when the client closes, without a closing handshake', async () => {
    const first = await connect();
    first.socket.send('{"id":1,"method":"initialize","params":{"clientName":"t"}}');
    const sessionId = (await first.messages.first()).result?.sessionId;
    first.socket.close();
    expect((await once(first.socket, 'close'))[0]).toBe(1006);
    const second = await connect();
    second.socket.send(
      JSON.stringify({ id: 1, method: 'initialize', params: { clientName: 't', resumeSessionId: sessionId } }),
    );
    expect((await second.messages.first()).result?.sessionId).toBe(sessionId);
    second.socket.terminate();
  });

  it('says why it cannot listen', async () => {
    const port = Number(new URL(listener.url).port);
    await expect(listenWebSocket({ host: '127.0.0.1', port, server: executor.server })).rejects.toMatchObject({
      code: 'listen_failed',
      message: expect.stringContaining('in use'),
    });
    await expect(listenWebSocket({ host: 'localhost', port: 0, server: executor.server })).rejects.toMatchObject({
      code: 'listen_address_invalid',
    });
  });
});
