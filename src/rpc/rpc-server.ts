/**
 * The door a transport is given: makes one served connection per transport.
 */
import type { Limits } from '../../proto/limits.js';
import type { Logger } from '../observe/log.js';
import { type ConnectionPeer, ServedConnection } from './rpc-connection.js';
import type { MethodTable } from './rpc-method.js';
import type { RpcServer, RpcTransport } from './transport.js';

export interface RpcServerOptions<Context extends ConnectionPeer> {
  readonly methods: MethodTable<Context>;
  /** Called once per connection, before its first message. */
  readonly open: (transport: RpcTransport) => Context;
  readonly limits: Pick<Limits, 'queuedMessages' | 'queuedBytes' | 'messageBytes'>;
  readonly concurrency: number;
  readonly log: Logger;
}

export function createRpcServer<Context extends ConnectionPeer>(options: RpcServerOptions<Context>): RpcServer {
  const { methods, limits, concurrency, log } = options;
  return {
    accept: (transport) =>
      new ServedConnection({ transport, methods, context: options.open(transport), limits, concurrency, log }),
  };
}
