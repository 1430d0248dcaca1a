/**
 * What is forwarded where, as a person writes it: `[LOCAL_HOST:]LOCAL_PORT:REMOTE_HOST:REMOTE_PORT`, `LOCAL:REMOTE` or
 * `PORT`.
 */
export interface Forwarding {
  readonly localHost: string;
  /** 0 takes any free one. */
  readonly localPort: number;
  readonly remoteHost: string;
  readonly remotePort: number;
}

const LOOPBACK = '127.0.0.1';
const LAST_PORT = 65_535;
/** A host in brackets may hold colons. */
const PART = /(?:\[([^\]]*)\]|([^:[\]]*))(?::|$)/y;

/** Undefined when it is none. */
export function parseForwarding(text: string): Forwarding | undefined {
  const parts = partsOf(text);
  switch (parts?.length) {
    case 1:
      return forwarding(LOOPBACK, parts[0], LOOPBACK, parts[0]);
    case 2:
      return forwarding(LOOPBACK, parts[0], LOOPBACK, parts[1]);
    case 3:
      return forwarding(LOOPBACK, parts[0], parts[1], parts[2]);
    case 4:
      return forwarding(parts[0], parts[1], parts[2], parts[3]);
    default:
      return undefined;
  }
}

/** `host:port`, with the brackets that an IPv6 address needs. */
export function formatEndpoint(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function partsOf(text: string): string[] | undefined {
  const parts: string[] = [];
  PART.lastIndex = 0;
  while (PART.lastIndex < text.length) {
    const match = PART.exec(text);
    if (match === null) return undefined;
    parts.push(match[1] ?? match[2] ?? '');
  }
  return text.endsWith(':') ? undefined : parts;
}

function forwarding(
  localHost = '',
  local: string | undefined,
  remoteHost = '',
  remote: string | undefined,
): Forwarding | undefined {
  const [localPort, remotePort] = [port(local), port(remote)];
  if (localPort === undefined || remotePort === undefined || remotePort === 0) return undefined;
  if (!isHost(localHost) || !isHost(remoteHost)) return undefined;
  return { localHost, localPort, remoteHost, remotePort };
}

function port(text = ''): number | undefined {
  return /^\d{1,5}$/.test(text) && Number(text) <= LAST_PORT ? Number(text) : undefined;
}

function isHost(text: string): boolean {
  return /^[^\s/]{1,255}$/.test(text);
}
