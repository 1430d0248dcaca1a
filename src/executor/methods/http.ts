/**
 * http/request: one HTTP request from the executor's side of the network (jsonrpc.md §9).
 */
import * as v from 'valibot';
import { HttpArgumentError, HttpFailure, type HttpResponse, requestHttp } from '../../host/http-request.js';
import { BulkResult } from '../../rpc/envelope.js';
import { base64, flag, list, oneOf, struct, text, unsigned } from '../../rpc/params.js';
import { RpcCode, RpcError } from '../../rpc/rpc-error.js';
import type { ExecutorConnection } from '../executor-connection.js';
import { type ExecutorMethod, method } from './method.js';

const requestParams = struct('HttpRequestParams', {
  method: text(),
  url: text(),
  headers: v.optional(list(struct('HttpHeader', { name: text(), value: text() }))),
  bodyBase64: v.nullish(base64()),
  timeoutMs: v.nullish(unsigned('u64')),
  redirectPolicy: v.optional(oneOf(['follow', 'stop'])),
  requestId: text(),
  streamResponse: v.optional(flag()),
});
type RequestParams = v.InferOutput<typeof requestParams>;

/** A larger body would have to be held whole: it is to be asked for as a stream. */
const LARGEST_BUFFERED_BODY = 256 * 1024 * 1024;

export const httpMethods: Readonly<Record<string, ExecutorMethod>> = {
  'http/request': method('http', requestParams, async (params, connection) => {
    try {
      return params.streamResponse ? await streamed(params, connection) : await buffered(params, connection);
    } catch (error) {
      throw asHttpError(error);
    }
  }),
};

async function buffered(params: RequestParams, connection: ExecutorConnection): Promise<BulkResult> {
  const response = await send(params, connection);
  const blocks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const block of response.body as AsyncIterable<Buffer>) {
      blocks.push(block);
      bytes += block.length;
      if (bytes > LARGEST_BUFFERED_BODY) break;
    }
  } catch (cause) {
    throw new HttpFailure('failed to read http/request response body: error decoding response body', cause);
  }
  if (bytes > LARGEST_BUFFERED_BODY) {
    throw new HttpFailure(`http/request response body exceeds ${LARGEST_BUFFERED_BODY} bytes: use streamResponse`);
  }
  // One buffer: base64 of blocks joins only at multiples of three bytes.
  return result(response, Buffer.concat(blocks, bytes));
}

async function streamed(params: RequestParams, connection: ExecutorConnection): Promise<BulkResult> {
  const { requestId } = params;
  const { bodies } = connection;
  if (!bodies.reserve(requestId)) {
    throw new HttpArgumentError(`streamResponse requestId \`${requestId}\` is already active`);
  }
  try {
    const response = await send(params, connection);
    bodies.tell(requestId, response.body);
    return result(response, new Uint8Array());
  } catch (error) {
    bodies.release(requestId);
    throw error;
  }
}

function send(params: RequestParams, connection: ExecutorConnection): Promise<HttpResponse> {
  return requestHttp({
    method: params.method,
    url: params.url,
    headers: params.headers ?? [],
    body: params.bodyBase64 ?? undefined,
    timeoutMs: params.timeoutMs ?? undefined,
    followRedirects: params.redirectPolicy !== 'stop',
    signal: connection.signal,
  });
}

function result({ status, headers }: HttpResponse, body: Uint8Array): BulkResult {
  return new BulkResult([`{"status":${status},"headers":${JSON.stringify(headers)},"bodyBase64":"`, body, '"}']);
}

function asHttpError(error: unknown): unknown {
  if (error instanceof HttpArgumentError) return new RpcError(RpcCode.invalidParams, error.message, { cause: error });
  if (error instanceof HttpFailure) return new RpcError(RpcCode.internal, error.message, { cause: error });
  return error;
}
