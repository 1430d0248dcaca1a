/**
 * One JSON-RPC message, in and out (jsonrpc.md §2). The peers leave out the `jsonrpc` member that the standard and
 * the json-rpc-2.0 library want: it is added and stripped here, and nobody else knows the library.
 * This file decides what a message is, never what is done about it.
 */
import { isUtf8 } from 'node:buffer';
import { createJSONRPCErrorResponse, isJSONRPCRequest, isJSONRPCResponse, JSONRPC } from 'json-rpc-2.0';
import { joinMessage, type MessagePart } from './base64-message.js';
import { RpcCode, type RpcError } from './rpc-error.js';

export type Incoming =
  /** `id` is JSON text, so that it is echoed as it came: string or 64-bit integer. */
  | { readonly kind: 'request'; readonly id: string; readonly method: string; readonly params: unknown }
  | { readonly kind: 'notification'; readonly method: string; readonly params: unknown }
  /** A result or an error: answers something this end never asked. */
  | { readonly kind: 'response' }
  | { readonly kind: 'malformed'; readonly detail: string };

/** A result that writes itself, because it carries bulk bytes. `parts` is JSON text and raw bytes to be base64. */
export class BulkResult {
  readonly parts: readonly MessagePart[];

  constructor(parts: readonly MessagePart[]) {
    this.parts = parts;
  }
}

export function parseMessage(bytes: Uint8Array): Incoming {
  if (!isUtf8(bytes)) return { kind: 'malformed', detail: 'invalid unicode code point' };
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch (error) {
    return { kind: 'malformed', detail: error instanceof Error ? error.message : 'invalid JSON' };
  }
  return classify(message, text);
}

function classify(message: unknown, text: string): Incoming {
  if (typeof message !== 'object' || message === null || Array.isArray(message)) return noVariant('JSONRPCMessage');
  const fields = message as Record<string, unknown>;
  fields.jsonrpc = JSONRPC;
  const { method, id, params } = fields;
  if (typeof method === 'string') {
    if (id === undefined) return { kind: 'notification', method, params };
    const idText = encodeId(id, text);
    return idText === undefined ? noVariant('RequestId') : { kind: 'request', id: idText, method, params };
  }
  if (method === undefined && !isJSONRPCRequest(fields) && isJSONRPCResponse(fields)) return { kind: 'response' };
  return noVariant('JSONRPCMessage');
}

function noVariant(name: string): Incoming {
  return { kind: 'malformed', detail: `data did not match any variant of untagged enum ${name}` };
}

function encodeId(id: unknown, text: string): string | undefined {
  if (typeof id === 'string') return JSON.stringify(id);
  if (typeof id !== 'number' || !Number.isInteger(id)) return undefined;
  return Number.isSafeInteger(id) ? String(id) : topLevelInteger(text);
}

/** The digits of a top-level `id` beyond 2^53, which JSON.parse rounds. */
function topLevelInteger(text: string): string | undefined {
  let depth = 0;
  let previous = '';
  let digits: string | undefined;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]]|-?\d[^\s,\]}]*/g)) {
    if (token === '{' || token === '[') depth++;
    else if (token === '}' || token === ']') depth--;
    else if (depth === 1 && previous === '"id"' && /^-?\d+$/.test(token)) digits = token;
    previous = token;
  }
  return digits;
}

export function encodeResult(id: string, result: unknown): Buffer {
  if (result instanceof BulkResult) return joinMessage([`{"id":${id},"result":`, ...result.parts, '}']);
  return Buffer.from(`{"id":${id},"result":${JSON.stringify(result ?? {})}}`);
}

export function encodeError(id: string, error: Pick<RpcError, 'rpcCode' | 'message'>): Buffer {
  const response = createJSONRPCErrorResponse(null, error.rpcCode, error.message);
  return Buffer.from(`{"error":${JSON.stringify(response.error)},"id":${id}}`);
}

/** The answer to something that was no message: id -1, and the connection goes on. */
export function encodeMalformed(peer: string, detail: string): Buffer {
  const carrier = peer.includes('websocket') ? 'websocket JSON-RPC' : 'JSON-RPC';
  const message = `failed to parse ${carrier} message from ${peer}: ${detail}`;
  return encodeError('-1', { rpcCode: RpcCode.invalidRequest, message });
}

export function encodeNotification(method: string, params: object): Buffer {
  return Buffer.from(`{"method":${JSON.stringify(method)},"params":${JSON.stringify(params)}}`);
}
