/**
 * The HTTP server that recorded clients let the executor ask.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

const SLOW_MS = 1500;

/** Headers that depend on who asks, not on what was asked. */
const OWN_HEADERS = new Set(['host', 'user-agent', 'accept-encoding']);

const routes: Readonly<Record<string, (request: IncomingMessage, response: ServerResponse) => void>> = {
  '/hello': (_, response) => reply(response, 200, 'hello', { 'x-multi': ['a', 'b'] }),
  '/bin': (_, response) =>
    reply(response, 200, Buffer.from([0, 255, 128]), { 'content-type': 'application/octet-stream' }),
  '/empty': (_, response) => reply(response, 204),
  '/slow': (_, response) => void setTimeout(() => reply(response, 200, 'slow'), SLOW_MS),
  '/reset': (request) => void request.socket.destroy(),
  '/chunks': (_, response) => dribble(response, 150),
  '/dribble': (_, response) => dribble(response, 400),
  '/echo': (request, response) => void echo(request, response),
};

export async function startHttpFixture(): Promise<{ port: number; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    response.sendDate = false;
    const route = routes[request.url ?? ''];
    if (route === undefined) reply(response, 404, 'nope');
    else route(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function reply(response: ServerResponse, status: number, body?: string | Buffer, headers: object = {}): void {
  response.writeHead(status, { 'content-type': 'text/plain', connection: 'close', ...headers }).end(body);
}

/** A body in three pieces, with pauses. */
function dribble(response: ServerResponse, gapMs: number): void {
  response.writeHead(200, { 'content-type': 'text/plain', connection: 'close' });
  let piece = 0;
  const timer = setInterval(() => {
    piece++;
    if (piece <= 3) response.write(`chunk${piece};`);
    else response.end();
  }, gapMs);
  response.once('close', () => clearInterval(timer));
}

async function echo(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const lines: string[] = [];
  for (let index = 0; index < request.rawHeaders.length; index += 2) {
    const name = (request.rawHeaders[index] as string).toLowerCase();
    if (!OWN_HEADERS.has(name)) lines.push(`${name}: ${request.rawHeaders[index + 1]}`);
  }
  reply(response, 200, `${request.method}\n${lines.join('\n')}\n\n${Buffer.concat(chunks)}`);
}
