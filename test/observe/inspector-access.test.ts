/**
 * Who gets something from the inspector: whoever has its whole address. Another page, another name, another token get
 * nothing, not even a word of why.
 */
import { request } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { startInspector } from '../../src/observe/inspector.js';
import { InspectorAccess } from '../../src/observe/inspector-access.js';
import { Observation } from '../../src/observe/observation.js';

async function started(stately = false) {
  const observation = new Observation();
  const inspector = await startInspector({ observation, stately });
  onTestFinished(() => inspector.close());
  return { observation, inspector, url: new URL(inspector.url) };
}

interface Answer {
  readonly status: number | undefined;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: string;
}

function ask(url: URL, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { headers, method, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body }));
    });
    asked.on('error', reject).end();
  });
}

/** What the upgrade came to: an HTTP status, or the first message. */
function upgrade(url: URL, headers: Record<string, string> = {}): Promise<number | string> {
  const socket = new WebSocket(new URL('records', url).href.replace('http:', 'ws:'), { headers });
  return new Promise((resolve, reject) => {
    socket.on('unexpected-response', (_request, response) => {
      resolve(response.statusCode ?? 0);
      response.destroy();
    });
    socket.on('message', (data) => {
      resolve(String(data));
      socket.close();
    });
    socket.on('error', reject);
  });
}

describe('the address of the inspector', () => {
  it('is on loopback and has a token of 256 bits, another one each time', async () => {
    const { url } = await started();
    const other = await started();
    expect(url.hostname).toBe('127.0.0.1');
    expect(url.pathname).toMatch(/^\/[\w-]{43}\/$/);
    expect(other.url.pathname).not.toBe(url.pathname);
  });

  it('gives the page, with a policy that lets nothing else in or out', async () => {
    const { url } = await started();
    const page = await ask(url);
    expect(page.status).toBe(200);
    expect(page.body).toContain('<title>signalbox inspector</title>');
    expect(page.body).not.toMatch(/https?:\/\//);
    const policy = String(page.headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/unsafe|\*|http/);
    expect(policy).toContain("frame-ancestors 'none'");
    expect(page.headers).toMatchObject({
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
    });
    expect((await ask(new URL('page.js', url))).headers['content-type']).toContain('text/javascript');
    expect(await upgrade(url)).toContain('observing.started');
  });

  it('is read-only', async () => {
    const { url } = await started();
    expect((await ask(url, {}, 'POST')).status).toBe(405);
  });

  it('leads to no other file', async () => {
    const { url } = await started();
    for (const path of [
      '../package.json',
      '..%2f..%2fpackage.json',
      'charts/../../package.json',
      'inspector.js',
      'stately/',
    ]) {
      const answer = await ask(new URL(`http://${url.host}${url.pathname}${path}`));
      expect([path, answer.status, answer.body]).toEqual([path, 404, '']);
    }
  });
});

describe('whoever should not see it', () => {
  const refused = async (url: URL, headers: Record<string, string>, status: number) => {
    const answer = await ask(url, headers);
    expect([answer.status, answer.body]).toEqual([status, '']);
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    expect(await upgrade(url, headers)).toBe(status);
  };

  it('has no token, or another one', async () => {
    const { url } = await started();
    await refused(new URL('/', url), {}, 404);
    await refused(new URL(`/${'A'.repeat(43)}/`, url), {}, 404);
    await refused(new URL(url.href.slice(0, -2)), {}, 404);
  });

  it('comes by another name: a DNS name that was bound to this address', async () => {
    const { url } = await started();
    for (const host of [
      'attacker.example',
      `attacker.example:${url.port}`,
      '127.0.0.1',
      '127.0.0.1:1',
      `0.0.0.0:${url.port}`,
    ]) {
      await refused(url, { host }, 421);
    }
  });

  it('is a page of another origin, even with the token', async () => {
    const { url } = await started();
    for (const origin of [
      'https://attacker.example',
      'null',
      `https://${url.host}`,
      'http://127.0.0.1:1',
      `http://localhost:${url.port}`,
    ]) {
      await refused(url, { origin }, 403);
    }
    await refused(url, { 'sec-fetch-site': 'cross-site' }, 403);
    await refused(url, { 'sec-fetch-site': 'same-site' }, 403);
  });

  it('attaches nothing to the actors', async () => {
    const { url, observation } = await started();
    await upgrade(url, { origin: 'https://attacker.example' });
    expect(observation.isWatched).toBe(false);
  });
});

describe('a name of this machine', () => {
  it('is taken for itself', () => {
    const access = new InspectorAccess('127.0.0.1', 7421);
    const url = `/${access.token}/page.js?x=1`;
    for (const host of ['127.0.0.1:7421', 'localhost:7421']) {
      const headers = { host, origin: `http://${host}`, 'sec-fetch-site': 'same-origin' };
      expect(access.judge({ url, headers })).toEqual({ kind: 'granted', path: 'page.js' });
    }
    const elsewhere = new InspectorAccess('192.0.2.1', 7421);
    const headers = { host: 'localhost:7421' };
    expect(elsewhere.judge({ url: `/${elsewhere.token}/`, headers })).toMatchObject({ status: 421 });
  });
});
