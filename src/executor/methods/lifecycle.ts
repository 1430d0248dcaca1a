/**
 * initialize, and the taking up of a session that lost its connection (jsonrpc.md §3).
 * `initialized` is a notification and handled by the connection.
 */
import * as v from 'valibot';
import { struct, text } from '../../rpc/params.js';
import { RpcCode, RpcError } from '../../rpc/rpc-error.js';
import type { ExecutorConnection } from '../executor-connection.js';
import { type ExecutorMethod, method } from './method.js';

const initializeParams = struct('InitializeParams', {
  clientName: text(),
  resumeSessionId: v.nullish(text()),
});

export const lifecycleMethods: Readonly<Record<string, ExecutorMethod>> = {
  initialize: method(undefined, initializeParams, ({ resumeSessionId }, connection) => {
    if (connection.session.state !== 'awaitingInitialize') {
      throw new RpcError(RpcCode.invalidRequest, 'initialize may only be sent once per connection');
    }
    if (typeof resumeSessionId === 'string') resume(resumeSessionId, connection);
    else connection.session.initialize();
    return { sessionId: connection.session.id, environmentInfo: connection.host.environment };
  }),
};

function resume(sessionId: string, connection: ExecutorConnection): void {
  const session = connection.host.session(sessionId);
  switch (session?.state) {
    case 'detached':
    case 'kept':
      connection.resume(session);
      return;
    case 'awaitingInitialized':
    case 'ready':
      throw new RpcError(RpcCode.sessionAttached, `session ${sessionId} is already attached to another connection`);
    default:
      throw new RpcError(RpcCode.invalidRequest, `unknown session id ${sessionId}`);
  }
}
