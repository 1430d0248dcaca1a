/**
 * A registry and a rendezvous for releases that speak only Noise, in the test's hand: it registers executors, hands
 * harnesses what they need to connect, answers validations, and keeps every request. Shares nothing with src/.
 */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AwaitedList } from '../stand-ins/awaited-list.js';
import { type FakeRendezvous, startFakeRendezvous } from '../stand-ins/fake-rendezvous.js';

export interface NoiseRequest {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Record<string, unknown>;
}

export interface NoiseRegistry {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  readonly rendezvous: FakeRendezvous;
  readonly requests: AwaitedList<NoiseRequest>;
  /** Requests of one kind, so far. */
  of(call: 'register' | 'connect' | 'validate'): readonly NoiseRequest[];
  close(): Promise<void>;
}

export interface NoiseRegistryOptions {
  readonly environmentId: string;
  readonly registrationId: string;
  /** What `connect` hands to harnesses as the executor's key. */
  readonly executorKey?: unknown;
  readonly authorization?: string;
  /** The answer to `validate`; default: yes. One that never resolves is one that never comes. */
  readonly validate?: (request: NoiseRequest) => NoiseReply | Promise<NoiseReply>;
}

export interface NoiseReply {
  readonly status: number;
  readonly body: unknown;
}

export async function startNoiseRegistry(options: NoiseRegistryOptions): Promise<NoiseRegistry> {
  const { environmentId, registrationId } = options;
  const rendezvous = await startFakeRendezvous();
  const requests = new AwaitedList<NoiseRequest>('requests', ({ path, body }) => `${path} ${JSON.stringify(body)}`);
  const common = {
    environment_id: environmentId,
    security_profile: 'noise_hybrid_ik_v1',
    executor_registration_id: registrationId,
  };
  const root = `/cloud/environment/${environmentId}`;
  const replies: Record<string, (request: NoiseRequest) => NoiseReply | Promise<NoiseReply>> = {
    [`${root}/register`]: () => ({ status: 200, body: { ...common, url: `${rendezvous.url}/executor` } }),
    [`${root}/connect`]: () => ({
      status: 200,
      body: {
        ...common,
        url: `${rendezvous.url}/harness`,
        executor_public_key: options.executorKey,
        harness_key_authorization: options.authorization,
      },
    }),
    [`${root}/validate`]: options.validate ?? (() => ({ status: 200, body: { valid: true } })),
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Record<string, unknown>;
    const seen = { path: request.url ?? '', headers: request.headers, body };
    requests.push(seen);
    const reply = (await replies[seen.path]?.(seen)) ?? { status: 404, body: { error: { code: 'not_found' } } };
    response.writeHead(reply.status, { 'content-type': 'application/json' }).end(JSON.stringify(reply.body));
  };
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    rendezvous,
    requests,
    of: (call) => requests.items.filter(({ path }) => path === `${root}/${call}`),
    async close() {
      await rendezvous.close();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
