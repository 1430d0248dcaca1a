/**
 * Who may see the inspector: whoever knows its address, and no page of anybody else. It judges the head of a request and
 * knows neither sockets nor files.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

export type Judgement =
  /** `path` is what follows the token. */
  | { readonly kind: 'granted'; readonly path: string }
  /** An HTTP status; nothing else is said. */
  | { readonly kind: 'refused'; readonly status: 403 | 404 | 421 };

export class InspectorAccess {
  /** First part of every path: 256 bits nobody can guess. */
  readonly token = randomBytes(32).toString('base64url');
  readonly #digest = digestOf(this.token);
  readonly #hosts: ReadonlySet<string>;

  /** `host` as it stands in an address, so that another name that leads here, as a rebound DNS name does, gets nothing. */
  constructor(host: string, port: number) {
    const names = isLoopback(host) ? [host, 'localhost'] : [host];
    this.#hosts = new Set(names.map((name) => `${name}:${port}`));
  }

  judge(request: { readonly url?: string | undefined; readonly headers: IncomingHttpHeaders }): Judgement {
    const { host, origin } = request.headers;
    if (host === undefined || !this.#hosts.has(host)) return { kind: 'refused', status: 421 };
    // A browser names the page that asks on every WebSocket and on all that crosses origins.
    if (origin !== undefined && origin !== `http://${host}`) return { kind: 'refused', status: 403 };
    const site = request.headers['sec-fetch-site'];
    if (site !== undefined && site !== 'same-origin' && site !== 'none') return { kind: 'refused', status: 403 };
    const [, token = '', path] = /^\/([^/?#]*)\/([^?#]*)/.exec(request.url ?? '') ?? [];
    if (path === undefined || !timingSafeEqual(digestOf(token), this.#digest)) return { kind: 'refused', status: 404 };
    return { kind: 'granted', path };
  }
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

function isLoopback(host: string): boolean {
  return host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host);
}
