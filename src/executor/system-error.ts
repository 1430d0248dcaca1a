/**
 * What the operating system refused, as the JSON-RPC error of the method family (jsonrpc.md §2, §6).
 */
import { constants } from 'node:os';
import { SpawnBrokerError } from '../host/broker/spawn-broker-error.js';
import { FileRequestError } from '../host/files.js';
import { TooManyWatchesError } from '../host/missing-paths.js';
import { OsError } from '../host/os-error.js';
import { SandboxUnavailableError } from '../host/sandbox/bubblewrap.js';
import { SandboxPolicyError } from '../host/sandbox/sandbox-policy.js';
import { TcpFailure, TcpRequestError } from '../host/tcp-connection.js';
import { RpcCode, RpcError } from '../rpc/rpc-error.js';

const { errno } = constants;

const FILE_REQUEST_CODES: Readonly<Record<string, RpcCode>> = {
  file_removal_unsupported: RpcCode.internal,
  file_handle_unknown: RpcCode.notFound,
};

/** For fs methods. Anything that is neither the system's nor the request's fault stays as it is. */
export function asFileError(error: unknown): unknown {
  if (error instanceof FileRequestError) return fileRequestError(error);
  if (error instanceof TooManyWatchesError) {
    return new RpcError(RpcCode.invalidRequest, error.message, { cause: error });
  }
  if (error instanceof SandboxUnavailableError) return new RpcError(RpcCode.internal, error.message, { cause: error });
  if (error instanceof SandboxPolicyError) {
    return new RpcError(RpcCode.invalidRequest, `failed to prepare fs sandbox: ${error.message}`, { cause: error });
  }
  if (!(error instanceof OsError)) return error;
  switch (error.errno) {
    case errno.ENOENT:
      return new RpcError(RpcCode.notFound, error.message, { cause: error });
    case errno.EINVAL:
    case errno.EACCES:
    case errno.EPERM:
      return new RpcError(RpcCode.invalidRequest, error.message, { cause: error });
    default:
      return new RpcError(RpcCode.internal, error.message, { cause: error });
  }
}

/** For tcp methods. */
export function asTcpError(error: unknown): unknown {
  if (error instanceof TcpRequestError) {
    const rpcCode = error.code === 'tcp_unknown' ? RpcCode.notFound : RpcCode.invalidRequest;
    return new RpcError(rpcCode, error.message, { cause: error });
  }
  if (error instanceof OsError || error instanceof TcpFailure) {
    return new RpcError(RpcCode.internal, error.message, { cause: error });
  }
  return error;
}

/** For process/start. */
export function asSpawnError(error: unknown): unknown {
  if (error instanceof OsError || error instanceof SpawnBrokerError) {
    return new RpcError(RpcCode.internal, error.message, { cause: error });
  }
  if (error instanceof SandboxUnavailableError) return new RpcError(RpcCode.internal, error.message, { cause: error });
  if (error instanceof SandboxPolicyError) {
    return new RpcError(RpcCode.invalidParams, `failed to prepare process sandbox: ${error.message}`, { cause: error });
  }
  // Node refuses NUL bytes in arguments and names before it asks the system.
  if (error instanceof TypeError && 'code' in error && error.code === 'ERR_INVALID_ARG_VALUE') {
    return new RpcError(RpcCode.internal, 'nul byte found in provided data', { cause: error });
  }
  return error;
}

function fileRequestError(error: FileRequestError): RpcError {
  return new RpcError(FILE_REQUEST_CODES[error.code] ?? RpcCode.invalidRequest, error.message, { cause: error });
}
