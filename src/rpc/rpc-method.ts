/**
 * What a method of the API is, to the connection that calls it.
 */
import type * as v from 'valibot';

/**
 * The reply comes later, and the next request need not wait for it. Only for replies that are held back on purpose:
 * everything else is answered in the order it was asked.
 */
export class Parked {
  readonly reply: Promise<unknown>;

  constructor(reply: Promise<unknown>) {
    this.reply = reply;
  }
}

/** Plain JSON, a BulkResult, Parked, or a promise of the first two where the work really waits. */
export type MethodResult = object | Promise<object>;

export interface RpcMethod<Context> {
  /** Throws RpcError -32602; called before `admit`, so that bad params are told in every state. */
  decode(params: unknown): unknown;
  /** Throws RpcError when the session is not in a state for this method. */
  admit(context: Context): void;
  call(params: never, context: Context): MethodResult;
}

export type MethodTable<Context> = ReadonlyMap<string, RpcMethod<Context>>;

/** Ties the type of the params to their schema. */
export interface MethodDefinition<Context, Schema extends v.GenericSchema> {
  readonly params: Schema;
  readonly call: (params: v.InferOutput<Schema>, context: Context) => MethodResult;
}
