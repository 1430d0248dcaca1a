import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createExecutor } from '../../src/executor/executor.js';
import { AwaitedList } from '../stand-ins/awaited-list.js';
import { base64, MemoryClient } from './memory-client.js';

const executor = createExecutor();
const requests = new AwaitedList<string>('requests', String);
const closed = new AwaitedList<string>('closed requests', String);
let origin = '';
let client: MemoryClient;

const routes: Record<string, (request: IncomingMessage, response: ServerResponse, body: string) => void> = {
  '/hello': (_request, response) => response.setHeader('X-Multi', ['a', 'b']).end('hello'),
  '/missing': (_request, response) => response.writeHead(404).end('nope'),
  '/echo': (request, response, body) =>
    response.end(JSON.stringify({ method: request.method, headers: request.rawHeaders, body })),
  '/to-hello': (_request, response) => response.writeHead(302, { location: '/hello' }).end(),
  '/to-echo-303': (_request, response) => response.writeHead(303, { location: '/echo' }).end(),
  '/to-echo-307': (_request, response) => response.writeHead(307, { location: '/echo' }).end(),
  '/elsewhere': (request, response) =>
    response.writeHead(307, { location: `http://localhost:${request.socket.localPort}/echo` }).end(),
  '/loop': (_request, response) => response.writeHead(302, { location: '/loop' }).end(),
  '/never': () => {},
  '/abandoned': () => {},
  '/truncated': (_request, response) => {
    response.writeHead(200, { 'content-length': 100 }).write('only this');
    setImmediate(() => response.destroy());
  },
  '/endless': (_request, response) => {
    const more = () => {
      while (response.write('x'.repeat(64 * 1024))) {}
    };
    response.on('drain', more);
    more();
  },
};

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  const url = request.url ?? '';
  requests.push(url);
  response.on('close', () => closed.push(url));
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => routes[url]?.(request, response, Buffer.concat(chunks).toString()));
});

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await executor.drain();
});
beforeEach(async () => {
  client = await MemoryClient.ready(executor);
});

const params = (path: string, more: object = {}) => ({ method: 'GET', url: origin + path, requestId: 'r', ...more });
const get = (path: string, more: object = {}) => client.result('http/request', params(path, more));
const refusal = (path: string, more: object = {}) => client.error('http/request', params(path, more));

async function echoed(path: string, more: object) {
  const { bodyBase64 } = await get(path, more);
  return JSON.parse(Buffer.from(String(bodyBase64), 'base64').toString()) as {
    method: string;
    headers: string[];
    body: string;
  };
}

/** The pieces told of a streamed body, once it has ended. */
async function told(requestId: string) {
  const isDelta = (method?: string, id?: unknown) => method === 'http/request/bodyDelta' && id === requestId;
  await client.messages.first(({ method, params: p }) => isDelta(method, p?.requestId) && p?.done === true);
  const deltas = client.messages.items.filter(({ method, params: p }) => isDelta(method, p?.requestId));
  const text = deltas.map(({ params: p }) => Buffer.from(String(p?.deltaBase64), 'base64').toString()).join('');
  return { seqs: deltas.map(({ params: p }) => p?.seq), text, error: deltas.at(-1)?.params?.error };
}

describe('http/request', () => {
  it('gives status, headers with their order and repeats, and the body, whatever the status', async () => {
    const { status, headers, bodyBase64 } = await get('/hello');
    expect({ status, bodyBase64 }).toEqual({ status: 200, bodyBase64: base64('hello') });
    const multi = (headers as { name: string }[]).filter(({ name }) => name === 'x-multi');
    expect(multi).toEqual([
      { name: 'x-multi', value: 'a' },
      { name: 'x-multi', value: 'b' },
    ]);
    expect(await get('/missing')).toMatchObject({ status: 404, bodyBase64: base64('nope') });
  });

  it('sends what it was given and little else', async () => {
    const headers = [
      { name: 'X-A', value: '1' },
      { name: 'x-a', value: '2' },
    ];
    const post = await echoed('/echo', { method: 'POST', headers, bodyBase64: base64('body!') });
    expect(post).toMatchObject({ method: 'POST', body: 'body!' });
    const host = origin.slice('http://'.length);
    expect(post.headers.map((text) => text.toLowerCase())).toEqual(
      ['Host', host, 'X-A', '1', 'X-A', '2', 'accept', '*/*', 'content-length', '5'].map((text) => text.toLowerCase()),
    );
    const plain = await echoed('/echo', { method: 'PROPFIND', headers: [{ name: 'Accept', value: 'text/x' }] });
    expect(plain.headers.map((text) => text.toLowerCase())).toEqual(['host', host, 'accept', 'text/x']);
  });

  it('follows redirects unless told to stop, and no loop', async () => {
    expect(await get('/to-hello')).toMatchObject({ status: 200, bodyBase64: base64('hello') });
    expect(await get('/to-hello', { redirectPolicy: 'stop' })).toMatchObject({ status: 302 });
    expect(await refusal('/loop')).toEqual({ code: -32603, message: 'http/request failed: too many redirects' });
  });

  it('makes a GET of a redirected POST where the status says so, and takes credentials nowhere else', async () => {
    const headers = [
      { name: 'authorization', value: 'Bearer x' },
      { name: 'content-type', value: 'text/x' },
    ];
    const post = { method: 'POST', headers, bodyBase64: base64('body') };
    const seeOther = await echoed('/to-echo-303', post);
    expect(seeOther).toMatchObject({ method: 'GET', body: '' });
    expect(seeOther.headers).toContain('Bearer x');
    expect(seeOther.headers).not.toContain('text/x');
    expect(await echoed('/to-echo-307', post)).toMatchObject({ method: 'POST', body: 'body' });
    const elsewhere = await echoed('/elsewhere', post);
    expect(elsewhere).toMatchObject({ method: 'POST', body: 'body' });
    expect(elsewhere.headers).not.toContain('Bearer x');
  });

  it.each<[object, number, string]>([
    [{ url: 'nope' }, -32602, 'http/request url is invalid: relative URL without a base'],
    [{ url: 'ftp://x/y' }, -32602, 'http/request only supports http and https URLs, got ftp'],
    [{ method: 'B AD' }, -32602, 'http/request method is invalid: invalid HTTP method'],
    [
      { headers: [{ name: 'b ad', value: '' }] },
      -32602,
      'http/request header name is invalid: invalid HTTP header name',
    ],
    [
      { headers: [{ name: 'ok', value: 'a\nb' }] },
      -32602,
      'http/request header value is invalid for ok: failed to parse header value',
    ],
    [{ bodyBase64: '%%%%' }, -32602, 'Invalid symbol 37, offset 0.'],
    [{ requestId: undefined }, -32602, 'missing field `requestId`'],
    [
      { url: 'http://127.0.0.1:9/' },
      -32603,
      'http/request failed: error sending request for url (http://127.0.0.1:9/)',
    ],
  ])('refuses %j', async (more, code, message) => {
    expect(await refusal('/hello', more)).toEqual({ code, message });
  });

  it('gives up when it was told how long it may take', async () => {
    const message = `http/request failed: error sending request for url (${origin}/never)`;
    expect(await refusal('/never', { timeoutMs: 20 })).toEqual({ code: -32603, message });
  });

  it('says when a body breaks off', async () => {
    const message = 'failed to read http/request response body: error decoding response body';
    expect(await refusal('/truncated')).toEqual({ code: -32603, message });
  });

  it('is given up with its connection', async () => {
    client.post('http/request', params('/abandoned'));
    await requests.first((url) => url === '/abandoned');
    client.disconnect();
    await closed.first((url) => url === '/abandoned');
  });
});

describe('a streamed body', () => {
  it('comes after the answer, in pieces numbered from 1', async () => {
    expect(await get('/hello', { streamResponse: true })).toMatchObject({ status: 200, bodyBase64: '' });
    expect(await told('r')).toEqual({ seqs: [1, 2], text: 'hello', error: null });
  });

  it('ends with an error when it breaks off', async () => {
    await get('/truncated', { streamResponse: true });
    expect(await told('r')).toEqual({ seqs: [1, 2], text: 'only this', error: 'error decoding response body' });
  });

  it('keeps its id to itself until it has ended', async () => {
    await get('/endless', { streamResponse: true });
    const message = 'http/request streamResponse requestId `r` is already active';
    expect(await refusal('/hello', { streamResponse: true })).toEqual({ code: -32602, message });
    expect(await get('/hello')).toMatchObject({ status: 200 });
    client.disconnect();
    await closed.first((url) => url === '/endless');
  });

  it('waits for a client that does not read', async () => {
    await get('/endless', { streamResponse: true, requestId: 'slow' });
    await client.messages.first(({ params: p }) => p?.requestId === 'slow');
    client.transport.block();
    const pieces = () => client.messages.items.filter(({ params: p }) => p?.requestId === 'slow').length;
    await new Promise(setImmediate);
    const atBlock = pieces();
    for (let turn = 0; turn < 50; turn += 1) await new Promise(setImmediate);
    expect(pieces()).toBeLessThanOrEqual(atBlock + 8);
    const held = pieces();
    client.transport.unblock();
    await client.messages.first(() => pieces() > held + 8);
    client.disconnect();
  });
});
