/**
 * tcp/*: TCP connections from the executor's side of the network (docs/extensions.md). Answers that wait for the
 * network hold up no other request.
 */
import * as v from 'valibot';
import { BulkResult } from '../../rpc/envelope.js';
import { base64, bounded, struct, text } from '../../rpc/params.js';
import { type MethodResult, Parked } from '../../rpc/rpc-method.js';
import type { ExecutorConnection } from '../executor-connection.js';
import { asTcpError } from '../system-error.js';
import { type ExecutorMethod, method } from './method.js';

const LONGEST_TIMEOUT_MS = 600_000;
const TIMEOUT_MS = 30_000;
const LARGEST_BLOCK_BYTES = 256 * 1024;
const LAST_PORT = 65_535;

const connectionId = text();
const host = v.pipe(
  text(),
  v.check((name) => /^[^\s\0]{1,255}$/.test(name), 'host must be a name or an address'),
);
const connectParams = struct('TcpConnectParams', {
  connectionId,
  host,
  port: bounded('port', 1, LAST_PORT),
  timeoutMs: v.nullish(bounded('timeoutMs', 1, LONGEST_TIMEOUT_MS)),
});
const readParams = struct('TcpReadParams', {
  connectionId,
  maxBytes: v.nullish(bounded('maxBytes', 1, LARGEST_BLOCK_BYTES)),
});
const chunk = v.pipe(
  base64(),
  v.check((bytes) => bytes.length <= LARGEST_BLOCK_BYTES, `chunk must not exceed ${LARGEST_BLOCK_BYTES} bytes`),
);
const writeParams = struct('TcpWriteParams', { connectionId, chunk });
const idParams = struct('TcpConnectionParams', { connectionId });

export const tcpMethods: Readonly<Record<string, ExecutorMethod>> = {
  'tcp/connect': tcpMethod(connectParams, (params, { tcp }) => {
    const { connectionId: id, timeoutMs, ...target } = params;
    return new Parked(tcp.connect(id, { ...target, timeoutMs: timeoutMs ?? TIMEOUT_MS }));
  }),

  'tcp/read': tcpMethod(readParams, ({ connectionId: id, maxBytes }, { tcp }) => {
    const arrival = tcp.find(id).read(maxBytes ?? LARGEST_BLOCK_BYTES);
    return new Parked(arrival.then(({ bytes, eof }) => new BulkResult(['{"chunk":"', bytes, `","eof":${eof}}`])));
  }),

  'tcp/write': tcpMethod(writeParams, ({ connectionId: id, chunk: bytes }, { tcp }) => {
    const writing = tcp.find(id).write(bytes);
    return new Parked(writing.then(() => ({})));
  }),

  'tcp/end': tcpMethod(idParams, ({ connectionId: id }, { tcp }) => {
    return new Parked(
      tcp
        .find(id)
        .end()
        .then(() => ({})),
    );
  }),

  'tcp/close': tcpMethod(idParams, ({ connectionId: id }, { tcp }) => {
    tcp.close(id);
    return {};
  }),
};

function tcpMethod<const Schema extends v.GenericSchema>(
  schema: Schema,
  call: (params: v.InferOutput<Schema>, connection: ExecutorConnection) => MethodResult,
): ExecutorMethod {
  return method('tcp', schema, (params, connection) => {
    try {
      const result = call(params, connection);
      return result instanceof Parked ? new Parked(result.reply.catch(rethrow)) : result;
    } catch (error) {
      throw asTcpError(error);
    }
  });
}

function rethrow(error: unknown): never {
  throw asTcpError(error);
}
