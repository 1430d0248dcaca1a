/**
 * Every refusal a client is told about, with the code of jsonrpc.md §2. The message is sent as it stands:
 * it must be true, useful to a person, and free of anything the client must not learn.
 */
import { SignalboxError } from '../../proto/signalbox-error.js';

/** Codes on the wire (jsonrpc.md §2). */
export const RpcCode = {
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internal: -32603,
  notFound: -32004,
  sessionAttached: -32010,
} as const;

export type RpcCode = (typeof RpcCode)[keyof typeof RpcCode];

const NAMES: Readonly<Record<RpcCode, string>> = {
  [-32600]: 'rpc_invalid_request',
  [-32601]: 'rpc_method_not_found',
  [-32602]: 'rpc_invalid_params',
  [-32603]: 'rpc_internal',
  [-32004]: 'rpc_not_found',
  [-32010]: 'rpc_session_attached',
};

export class RpcError extends SignalboxError {
  readonly rpcCode: RpcCode;

  constructor(rpcCode: RpcCode, message: string, options: { readonly cause?: unknown } = {}) {
    super(NAMES[rpcCode], message, { scope: 'stream', initiator: 'peer', cause: options.cause });
    this.rpcCode = rpcCode;
  }
}
