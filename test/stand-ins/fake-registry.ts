/**
 * A registry that registers executors of both legacy generations and answers what the test tells it to (relay.md §9.1).
 * Shares nothing with src/rendezvous, so that the two can disagree.
 */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AwaitedList } from './awaited-list.js';

export type RegistryReply =
  /** Registered; what is not given is taken from the request and the registry's rendezvous. */
  | { readonly kind: 'registered'; readonly url?: string; readonly id?: string }
  /** Any status with a JSON body. */
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly body?: unknown;
      readonly headers?: Record<string, string>;
    }
  /** 200 with exactly this text. */
  | { readonly kind: 'text'; readonly text: string }
  /** Takes the request and never answers. */
  | { readonly kind: 'hang' }
  /** Ends the connection without a reply. */
  | { readonly kind: 'drop' };

export interface RegistryRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface FakeRegistry {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  /** Every request, in order, also those for other paths. */
  readonly requests: AwaitedList<RegistryRequest>;
  /** Answers to the next register requests, one each; when they are used up, {@link always} applies. */
  next(...replies: RegistryReply[]): void;
  /** The answer to all register requests that nothing else was planned for; at first `registered`. */
  always(reply: RegistryReply): void;
  close(): Promise<void>;
}

const REGISTER = /^\/cloud\/(executor|environment)\/([^/]+)\/register$/;

export async function startFakeRegistry(options: { readonly rendezvousUrl: string }): Promise<FakeRegistry> {
  const requests = new AwaitedList<RegistryRequest>('requests', ({ method, path }) => `${method} ${path}`);
  const planned: RegistryReply[] = [];
  let standing: RegistryReply = { kind: 'registered' };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = '', url: path = '', headers } = request;
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    requests.push({ method, path, headers, body: Buffer.concat(chunks).toString('utf8') });
    const [, generation, id] = REGISTER.exec(path) ?? [];
    if (method !== 'POST' || generation === undefined || id === undefined) {
      send(response, 404, JSON.stringify({ error: { code: 'not_found', message: `nothing at ${path}` } }));
      return;
    }
    const reply = planned.shift() ?? standing;
    switch (reply.kind) {
      case 'registered': {
        const url = reply.url ?? options.rendezvousUrl;
        send(response, 200, JSON.stringify({ [`${generation}_id`]: reply.id ?? decodeURIComponent(id), url }));
        return;
      }
      case 'status':
        send(response, reply.status, JSON.stringify(reply.body ?? {}), reply.headers);
        return;
      case 'text':
        send(response, 200, reply.text);
        return;
      case 'drop':
        request.socket.destroy();
        return;
      case 'hang':
    }
  };

  const server = createServer((request, response) => {
    // A client that leaves in the middle of its request is no fault of the registry.
    answer(request, response).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    next: (...replies) => void planned.push(...replies),
    always: (reply) => {
      standing = reply;
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function send(response: ServerResponse, status: number, body: string, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
}
