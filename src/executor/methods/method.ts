/**
 * Makes a method of the executor from its schema, its family and what it does.
 */
import type * as v from 'valibot';
import { decodeParams } from '../../rpc/params.js';
import type { MethodResult, RpcMethod } from '../../rpc/rpc-method.js';
import type { ExecutorConnection, MethodFamily } from '../executor-connection.js';

export type ExecutorMethod = RpcMethod<ExecutorConnection>;

/** `family` undefined: callable in every state. */
export function method<const Schema extends v.GenericSchema>(
  family: MethodFamily | undefined,
  schema: Schema,
  call: (params: v.InferOutput<Schema>, connection: ExecutorConnection) => MethodResult,
): ExecutorMethod {
  return {
    decode: (params) => decodeParams(schema, params),
    admit: (connection) => {
      if (family !== undefined) connection.admit(family);
    },
    call,
  };
}
