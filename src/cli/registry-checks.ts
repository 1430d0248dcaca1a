/**
 * What `signalbox doctor` looks at on the way to a registry: its name, the connection, the certificate, whether it serves,
 * what time it has, and whether it lets WebSockets through.
 */
import { lookup } from 'node:dns/promises';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { WebSocket } from 'ws';
import { harnessUrl } from '../rendezvous/socket-url.js';
import { type Finding, fail, messageOf, ok, warn } from './finding.js';

/** For each step; milliseconds. */
const PATIENCE_MS = 10_000;
const DAY_MS = 86_400_000;
/** Certificates are renewed at a third of their life at the latest, and the short-lived ones live for weeks. */
const EXPIRES_SOON_MS = 14 * DAY_MS;
/** What is signed for minutes is still good at an end whose clock is off by so much. */
const SKEW_MS = 30_000;
/** The Date header counts whole seconds. */
const DATE_STEP_MS = 1000;

/** Also of `ws://` and `wss://` addresses. Ends after the first failure: what comes after rests on it. */
export async function* checkRoad(address: URL): AsyncGenerator<Finding> {
  const name = await checkName(address);
  yield name;
  if (name.level === 'fail') return;
  yield await checkConnection(address);
}

async function checkName({ hostname }: URL): Promise<Finding> {
  const host = bare(hostname);
  if (isIP(host) !== 0) return ok('name', `${host} is an address and needs no look-up`);
  try {
    const found = await lookup(host, { all: true });
    return ok('name', `${host} is ${found.map(({ address }) => address).join(', ')}`);
  } catch (error) {
    return fail(
      'name',
      `${host} is not known (${codeOf(error)})`,
      'check the spelling, and the name servers of this machine',
    );
  }
}

async function checkConnection(address: URL): Promise<Finding> {
  const isSecure = address.protocol === 'https:' || address.protocol === 'wss:';
  const host = bare(address.hostname);
  const port = Number(address.port) || (isSecure ? 443 : 80);
  // Judged below, in words, and never used for anything.
  const secure = { host, port, rejectUnauthorized: false, ...(isIP(host) === 0 ? { servername: host } : {}) };
  const socket: Socket | TLSSocket = isSecure ? connectTls(secure) : connectTcp({ host, port });
  try {
    await connected(socket, isSecure ? 'secureConnect' : 'connect');
    if (isSecure) return certificateOf(socket as TLSSocket, host, Date.now());
    if (/^(localhost|127\..*|::1)$/.test(host)) return ok('connection', `${address.host} answers, on this machine`);
    const remedy = 'put TLS in front of it: tokens can be read on the way';
    return warn('connection', `${address.host} answers, without TLS`, remedy);
  } catch (error) {
    const remedy = 'is it started, is the port right, does a firewall or proxy stand between?';
    return fail('connection', `${address.host} does not answer: ${messageOf(error)}`, remedy);
  } finally {
    socket.destroy();
  }
}

function connected(socket: Socket, event: 'connect' | 'secureConnect'): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.setTimeout(PATIENCE_MS, () => reject(new Error(`nothing for ${PATIENCE_MS / 1000} s`)));
    socket.once(event, resolve);
    socket.on('error', reject);
    socket.once('close', () => reject(new Error('it closed the connection')));
  });
}

function certificateOf(socket: TLSSocket, host: string, now: number): Finding {
  if (!socket.authorized) {
    const why = socket.authorizationError;
    const remedy = 'renew it, or let this machine trust its issuer: NODE_EXTRA_CA_CERTS=FILE';
    return fail('certificate', `that of ${host} is not accepted: ${why instanceof Error ? why.message : why}`, remedy);
  }
  const expires = Date.parse(socket.getPeerCertificate().valid_to);
  const days = Math.floor((expires - now) / DAY_MS);
  if (expires - now < EXPIRES_SOON_MS) return warn('certificate', `expires in ${days} days`, 'renew it');
  return ok('certificate', `${socket.getProtocol() ?? 'TLS'}, good for ${days} more days`);
}

/** Ends after the first failure. `registry` is its http(s) address. */
export async function* checkHealth(registry: string): AsyncGenerator<Finding> {
  for (const path of ['/livez', '/readyz']) {
    let answer: Response;
    const asked = Date.now();
    try {
      const signal = AbortSignal.timeout(PATIENCE_MS);
      answer = await fetch(registry.replace(/\/+$/, '') + path, { signal, redirect: 'manual' });
      await answer.body?.cancel();
    } catch (error) {
      const { cause } = error as Error;
      yield fail(
        'registry',
        `no answer to ${path}: ${messageOf(cause ?? error)}`,
        'is this the address of a registry?',
      );
      return;
    }
    if (answer.status === 503) {
      yield fail(
        'registry',
        `${path} says that it takes nobody now`,
        'it is being shut down or restarted: try again soon',
      );
      return;
    }
    if (!answer.ok) {
      const remedy = 'is this the address of a registry, with the path that a proxy gives it?';
      yield warn('registry', `${path} was answered with ${answer.status}`, remedy);
      return;
    }
    if (path === '/livez') yield clockOf(answer.headers.get('date'), asked, Date.now());
  }
  yield ok('registry', 'it is alive and takes connections');
}

function clockOf(date: string | null, asked: number, answered: number): Finding {
  const theirs = Date.parse(date ?? '');
  if (Number.isNaN(theirs)) return ok('clock', 'the registry does not tell its time');
  // Its clock stood somewhere in the second it tells, at some moment between question and answer.
  const ahead = Math.max(0, theirs - answered) || Math.min(0, theirs + DATE_STEP_MS - asked);
  if (Math.abs(ahead) <= SKEW_MS) return ok('clock', 'as the registry’s, to within half a minute');
  const words = `the registry's is ${Math.round(Math.abs(ahead) / 1000)} s ${ahead > 0 ? 'ahead of' : 'behind'} the one here`;
  return warn('clock', words, 'set both by a time server: certificates and signed tokens go by them');
}

/** A socket of a harness, closed at once: whether proxies on the way let it through. No frame is sent on it. */
export function checkUpgrade(registry: string, environmentId: string, token: string): Promise<Finding> {
  const socket = new WebSocket(harnessUrl(registry, environmentId), {
    headers: { authorization: `Bearer ${token}` },
    handshakeTimeout: PATIENCE_MS,
    perMessageDeflate: false,
  });
  return new Promise((resolve) => {
    socket.on('open', () => {
      socket.close(1000);
      resolve(ok('websocket', 'the rendezvous takes WebSockets from here'));
    });
    socket.on('unexpected-response', (_request, response) => {
      const remedy = 'does a proxy between pass upgrades (Upgrade, Connection and Authorization headers) on?';
      resolve(fail('websocket', `the upgrade was answered with ${response.statusCode}`, remedy));
      socket.terminate();
    });
    socket.on('error', (error) => {
      resolve(fail('websocket', `it did not open: ${error.message}`, 'does a proxy between pass upgrades on?'));
    });
  });
}

function bare(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '');
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? messageOf(error);
}
