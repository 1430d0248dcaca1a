/**
 * Strict base64: standard alphabet, padding required, no stray bits. Node's decoder is lenient, the peers' is not,
 * and a lenient reading would write other bytes than the client meant.
 */

export type Base64Result = { readonly bytes: Buffer } | { readonly fault: string };

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

export function decodeBase64(text: string): Base64Result {
  const bytes = Buffer.from(text, 'base64');
  return isExact(text, bytes) ? { bytes } : { fault: describeFault(text) };
}

/** Node skips what it does not know and takes the URL alphabet; both show in the length or in two characters. */
function isExact(text: string, bytes: Buffer): boolean {
  if (text.length % 4 !== 0) return false;
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  if (bytes.byteLength !== (text.length / 4) * 3 - padding) return false;
  if (text.includes('-') || text.includes('_')) return false;
  if (padding === 0) return true;
  const tail = bytes.subarray(bytes.byteLength - (3 - padding));
  return tail.toString('base64') === text.slice(-4);
}

/** The texts of jsonrpc.md §4.5. */
function describeFault(text: string): string {
  const end = text.endsWith('==') ? text.length - 2 : text.endsWith('=') ? text.length - 1 : text.length;
  const source = Buffer.from(text);
  const last = source.at(-1) ?? 0;
  // A stray byte after whole groups, such as a newline, is named before anything else.
  if (source.byteLength % 4 === 1 && end === text.length && !ALPHABET.includes(String.fromCharCode(last))) {
    return `Invalid symbol ${last}, offset ${source.byteLength - 1}.`;
  }
  for (let offset = 0; offset < source.byteLength; offset++) {
    const symbol = source[offset] ?? 0;
    if (offset < end && !ALPHABET.includes(String.fromCharCode(symbol))) {
      return `Invalid symbol ${symbol}, offset ${offset}.`;
    }
  }
  if (text.length % 4 === 1 && end === text.length) return `Invalid input length: ${text.length}`;
  if (text.length % 4 !== 0 || end % 4 < 2) return 'Invalid padding';
  return `Invalid last symbol ${source[end - 1] ?? 0}, offset ${end - 1}.`;
}
