/**
 * Paths as clients write them (jsonrpc.md §7): a plain path or a `file:` URI. The answer takes the caller's form.
 * Nothing here asks the file system.
 */
import { SignalboxError } from '../../proto/signalbox-error.js';

export interface WirePath {
  /** As the operating system takes it; absolute when it came as a URI. */
  readonly native: string;
  readonly form: 'plain' | 'uri';
  /** Set for a URI of another host: well formed, but nothing on this one. */
  readonly foreignUri?: string;
}

/** The path is not one, or not one this program takes. The message is the peers' text. */
export class PathError extends SignalboxError {
  constructor(message: string) {
    super('path_invalid', message, { scope: 'stream', initiator: 'peer' });
  }
}

const SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*:/;
/** What a path segment of a URI may not hold as it is; the peers' own set, so that answers match byte for byte. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are a part of the set
const RESERVED = /[\u0000-\u0020"#%<>?`{}\\\u007f-\uffff]+/g;

/** Throws PathError. A plain path may be relative: what that means depends on the method. */
export function parsePath(text: string): WirePath {
  if (!SCHEME.test(text)) return { native: text, form: 'plain' };
  const url = parseUrl(text);
  if (url.protocol !== 'file:') throw new PathError(`unsupported path URI scheme \`${url.protocol.slice(0, -1)}\``);
  if (url.search !== '') throw new PathError('query parameters are not allowed in path URIs');
  if (url.hash !== '') throw new PathError('fragments are not allowed in path URIs');
  const native = decodePath(url.pathname);
  return url.hostname === '' ? { native, form: 'uri' } : { native, form: 'uri', foreignUri: text };
}

/** An absolute native path in the form the caller used. */
export function formatPath(native: string, form: WirePath['form']): string {
  return form === 'uri' ? toFileUri(native) : native;
}

export function toFileUri(native: string): string {
  return `file://${native.replace(RESERVED, (text) => encodeURIComponent(text.toWellFormed()))}`;
}

function parseUrl(text: string): URL {
  try {
    return new URL(text);
  } catch {
    throw new PathError('invalid URI: it cannot be parsed');
  }
}

function decodePath(pathname: string): string {
  let native: string;
  try {
    native = decodeURIComponent(pathname);
  } catch {
    throw new PathError('invalid URI: its path is not UTF-8');
  }
  if (native.includes('\0')) throw new PathError('invalid URI: a path must not contain a NUL byte');
  return native;
}
