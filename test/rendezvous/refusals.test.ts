import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { RendezvousError, startRendezvous } from '../../src/rendezvous/rendezvous.js';
import { harnessUrl, ticketUrl } from '../../src/rendezvous/socket-url.js';
import { TicketOffice } from '../../src/rendezvous/ticket.js';
import { MemoryTokenStore } from '../../src/rendezvous/token-store.js';
import { ENV, post, RelayPeer, refusalOf, rendezvousForTest } from './relay-peer.js';

/** Sends these bytes and returns everything that comes back until the connection ends. */
async function rawExchange(url: string, bytes: string): Promise<string> {
  const tcp = connect(Number(new URL(url).port), new URL(url).hostname);
  let answer = '';
  tcp.on('data', (chunk) => {
    answer += chunk.toString();
  });
  tcp.on('error', () => {});
  tcp.write(bytes);
  await once(tcp, 'close');
  return answer;
}

describe('registration', () => {
  it.each([
    ['executor', 'executor_id'],
    ['environment', 'environment_id'],
  ])('of the generation that says %s returns %s and a URL that works', async (word, member) => {
    const { url, executorToken } = await rendezvousForTest();
    for (const body of [undefined, '', '{}', '{"name":"box"}']) {
      const reply = await post(`${url}/cloud/${word}/${ENV}/register`, executorToken, body);
      expect(reply.status).toBe(200);
      expect(Object.keys(reply.body).sort()).toEqual([member, 'url'].sort());
      expect(reply.body[member]).toBe(ENV);
      await RelayPeer.connect(reply.body.url as string);
    }
  });

  it('returns a URL with the host that the executor used, or the public URL', async () => {
    const near = await rendezvousForTest();
    const port = new URL(near.url).port;
    const reply = await post(`http://localhost:${port}/cloud/environment/${ENV}/register`, near.executorToken);
    expect(new URL(reply.body.url as string).host).toBe(`localhost:${port}`);
    const behindProxy = await rendezvousForTest({ publicUrl: 'https://relay.example/signal' });
    expect(await behindProxy.register()).toMatch(
      /^wss:\/\/relay\.example\/signal\/ws\/environment\/box-1\?role=executor&/,
    );
  });

  it('never takes a made-up host into a URL', async () => {
    const { url, executorToken } = await rendezvousForTest();
    const answer = await rawExchange(
      url,
      `POST /cloud/environment/${ENV}/register HTTP/1.1\r\nhost: evil/x?y=@z\r\nconnection: close\r\n` +
        `authorization: Bearer ${executorToken}\r\ncontent-length: 0\r\n\r\n`,
    );
    expect(answer).toContain(`"url":"ws://${new URL(url).host}/`);
  });

  it.each([
    ['without a token', undefined, ENV, undefined, 401, 'missing_token'],
    ['with an unknown token', 'sbx_executor_unknown', ENV, undefined, 401, 'invalid_token'],
    ['with a harness token', 'harness', ENV, undefined, 403, 'wrong_role'],
    ['for another environment', 'executor', 'box-2', undefined, 403, 'wrong_environment'],
    ['for an impossible environment id', 'executor', 'box%2F1', undefined, 400, 'invalid_environment_id'],
    ['for an id whose escape is broken', 'executor', 'box%zz', undefined, 400, 'invalid_environment_id'],
    ['with a body that is not JSON', 'executor', ENV, '{"name":', 400, 'invalid_json'],
    ['with a body that is no object', 'executor', ENV, '[1]', 400, 'invalid_json'],
    ['with JSON that is no object', 'executor', ENV, '7', 400, 'invalid_json'],
    ['with a body too large', 'executor', ENV, 'x'.repeat(1_000_000), 413, 'body_too_large'],
  ] as const)('%s is refused', async (_, who, environment, body, status, code) => {
    const { url, executorToken, harnessToken } = await rendezvousForTest();
    const token = who === 'executor' ? executorToken : who === 'harness' ? harnessToken : who;
    const reply = await post(`${url}/cloud/environment/${environment}/register`, token, body);
    expect(reply).toMatchObject({ status, body: { error: { code, message: expect.stringMatching(/\w+ \w+/) } } });
    expect(JSON.stringify(reply.body)).not.toContain('sbx_');
  });

  it('from a web page is refused, whatever it bears', async () => {
    const { url, executorToken } = await rendezvousForTest();
    const target = `${url}/cloud/environment/${ENV}/register`;
    const reply = await post(target, executorToken, undefined, { origin: 'http://127.0.0.1' });
    expect(reply).toMatchObject({ status: 403, body: { error: { code: 'origin_refused' } } });
  });

  it.each([
    ['GET', '/cloud/environment/box-1/register', 405, 'method_not_allowed'],
    ['POST', '/livez', 405, 'method_not_allowed'],
    ['GET', '/cloud/environment/box-1/connect', 405, 'method_not_allowed'],
    ['POST', '/cloud/executor/box-1/connect', 404, 'unknown_route'],
    ['POST', '/cloud/environment/box-1/validate-harness-key', 404, 'unknown_route'],
    ['GET', '/', 404, 'unknown_route'],
    ['GET', '//', 404, 'unknown_route'],
    ['GET', '/ws/environment/box-1?role=harness', 426, 'upgrade_required'],
  ])('%s %s answers %i', async (method, path, status, code) => {
    const { url } = await rendezvousForTest();
    const response = await fetch(url + path, { method });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ error: { code } });
  });

  it('says that it lives and is ready', async () => {
    const { url } = await rendezvousForTest();
    for (const path of ['/livez', '/readyz']) {
      const response = await fetch(url + path);
      expect([response.status, await response.json()]).toEqual([200, { status: 'ok' }]);
    }
  });

  it('ends requests that never finish and answers those that are none', async () => {
    const { url } = await rendezvousForTest({ limits: { httpHeadersMs: 100, httpRequestMs: 200 } });
    const register = `POST /cloud/environment/${ENV}/register HTTP/1.1\r\nhost: x\r\n`;
    expect(await rawExchange(url, register)).toMatch(/^HTTP\/1\.1 408 /);
    expect(await rawExchange(url, 'hello\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 .*invalid_request/s);
    expect(await rawExchange(url, `${register}x: ${'y'.repeat(20_000)}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 431 /);
  });

  it('ends a registration whose body never comes', async () => {
    const { url, executorToken } = await rendezvousForTest({ limits: { httpHeadersMs: 100, httpRequestMs: 200 } });
    const answer = await rawExchange(
      url,
      `POST /cloud/environment/${ENV}/register HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${executorToken}\r\n` +
        'content-length: 10\r\n\r\n{',
    );
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
  });
});

describe('a WebSocket upgrade', () => {
  it.each([
    ['no role', '?token=HARNESS', 400, 'missing_role'],
    ['a role nobody has', '?role=admin&token=HARNESS', 400, 'invalid_role'],
    ['a harness without token', '?role=harness', 401, 'missing_token'],
    ['a harness with an unknown token', '?role=harness&token=sbx_harness_x', 401, 'invalid_token'],
    ['a harness with an executor token', '?role=harness&token=EXECUTOR', 403, 'wrong_role'],
    ['an executor without ticket', '?role=executor', 401, 'missing_signature'],
    ['an executor with its token instead of a ticket', '?role=executor&token=EXECUTOR', 401, 'missing_signature'],
    ['a ticket without expiry', '?role=executor&registration=r&signature=s', 401, 'missing_expiry'],
    ['a ticket with nonsense for expiry', '?role=executor&registration=r&signature=s&expires=x', 401, 'invalid_expiry'],
    ['a forged ticket', '?role=executor&registration=r&signature=s&expires=99999999999999', 401, 'invalid_signature'],
  ])('with %s is refused', async (_, query, status, code) => {
    const { url, executorToken, harnessToken } = await rendezvousForTest();
    const filled = query.replace('HARNESS', harnessToken).replace('EXECUTOR', executorToken);
    const target = `${url.replace('http', 'ws')}/ws/environment/${ENV}${filled}`;
    expect(await refusalOf(target)).toEqual({ status, code });
  });

  it.each(['environment', 'registration', 'expires', 'signature'])(
    'with a ticket whose %s was changed is refused',
    async (part) => {
      const { register } = await rendezvousForTest();
      const url = new URL(await register());
      if (part === 'environment') url.pathname = '/ws/environment/box-2';
      else if (part === 'expires') url.searchParams.set(part, String(Number(url.searchParams.get(part)) + 1));
      else url.searchParams.set(part, `A${url.searchParams.get(part)?.slice(1)}!`);
      expect(await refusalOf(url.href)).toEqual({ status: 401, code: 'invalid_signature' });
    },
  );

  it('with an expired ticket is refused', async () => {
    const { register } = await rendezvousForTest({ limits: { ticketLifetimeMs: 0 } });
    expect(await refusalOf(await register())).toEqual({ status: 401, code: 'invalid_expiry' });
  });

  it('for another environment than the token, or at another path, is refused', async () => {
    const { url, harnessToken } = await rendezvousForTest();
    const refused = (target: string) => refusalOf(target.replace('http', 'ws'));
    expect(await refused(harnessUrl(url, 'box-2', harnessToken))).toEqual({ status: 403, code: 'wrong_environment' });
    expect(await refused(harnessUrl(url, 'a/b', harnessToken))).toEqual({
      status: 400,
      code: 'invalid_environment_id',
    });
    expect(await refused(`${url}/ws/%zz?role=harness`)).toEqual({ status: 404, code: 'unknown_route' });
  });

  it('from a web page is refused, though its URL is right', async () => {
    const { harnessUrl: target } = await rendezvousForTest();
    const refusal = await refusalOf(target, { origin: 'http://localhost:7420' });
    expect(refusal).toEqual({ status: 403, code: 'origin_refused' });
  });

  it('of a harness may bear its token in the header, and use its URL many times', async () => {
    const rendezvous = await rendezvousForTest();
    const headers = { authorization: `Bearer ${rendezvous.harnessToken}` };
    await RelayPeer.connect(harnessUrl(rendezvous.url, ENV), { headers });
    for (let times = 0; times < 3; times++) await rendezvous.harness();
  });

  it('that is no WebSocket handshake is refused without harm', async () => {
    const rendezvous = await rendezvousForTest();
    const { pathname, search } = new URL(rendezvous.harnessUrl);
    const start = `${pathname}${search} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\n`;
    expect(await rawExchange(rendezvous.url, `GET ${start}upgrade: h2c\r\n\r\n`)).toMatch(/^HTTP\/1\.1 400 /);
    expect(await rawExchange(rendezvous.url, `POST ${start}upgrade: websocket\r\n\r\n`)).toMatch(/^HTTP\/1\.1 405 /);
    await rendezvous.harness();
  });
});

describe('a ticket', () => {
  it.each(['executor', 'harness'] as const)(
    'of an %s holds for its environment and role until it expires, and for no other office',
    (role) => {
      const office = new TicketOffice();
      const ticket = { role, environmentId: ENV, holder: 'h', expires: 6000 };
      const { searchParams } = new URL(ticketUrl('http://x', ENV, office.issue(ticket)));
      expect(office.check(role, ENV, searchParams, 5999)).toEqual(ticket);
      expect(office.check(role, ENV, searchParams, 6000)).toBe('invalid_expiry');
      expect(office.check(role, 'box-2', searchParams, 5999)).toBe('invalid_signature');
      expect(new TicketOffice().check(role, ENV, searchParams, 5999)).toBe('invalid_signature');
      const other = role === 'executor' ? 'harness' : 'executor';
      for (const member of ['registration', 'token_id']) searchParams.set(member, 'h');
      expect(office.check(other, ENV, searchParams, 5999)).toBe('invalid_signature');
    },
  );
});

describe('starting', () => {
  const tokens = new MemoryTokenStore();

  it('on a port that is in use says so', async () => {
    const { url } = await rendezvousForTest();
    const failure = await startRendezvous({ listen: url, tokens }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(RendezvousError);
    expect(failure).toMatchObject({ code: 'address_in_use', message: expect.stringContaining(url) });
  });

  it.each(['127.0.0.1:7420', 'https://127.0.0.1:0', 'http://127.0.0.1:0/path', 'http://127.0.0.1:99999', ''])(
    'on %j says what is expected',
    async (listen) => {
      const failure = await startRendezvous({ listen, tokens }).catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: 'listen_address_invalid' });
    },
  );

  it('with an unusable public URL says so', async () => {
    const options = { listen: 'http://127.0.0.1:0', tokens, publicUrl: 'relay.example' };
    const failure = await startRendezvous(options).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'public_url_invalid' });
  });
});

describe('closing', () => {
  it('says goodbye with 1012 to both sides and frees the port, also when asked by its signal', async () => {
    const stop = new AbortController();
    const rendezvous = await rendezvousForTest({ signal: stop.signal });
    const [executor, harness] = [await rendezvous.executor(), await rendezvous.harness()];
    harness.resume('s1');
    await executor.sees('s1 resume');
    stop.abort();
    await Promise.all([executor.closesWith(1012), harness.closesWith(1012), rendezvous.close()]);
    // Both ends learn it from the close itself.
    expect([executor.messages.length, harness.messages.length]).toEqual([1, 0]);
    await rendezvousForTest({ listen: rendezvous.url });
  });

  it('cuts off a peer that does not answer the goodbye', async () => {
    const rendezvous = await rendezvousForTest();
    const harness = await rendezvous.harness();
    harness.socket.pause();
    await rendezvous.close();
    harness.socket.resume();
    await harness.closesWith(1012);
  });
});
