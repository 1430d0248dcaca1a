/**
 * The JSON body of a registry request: read within a bound, and judged by a schema. What is wrong with it is said by
 * the name of the member, never by its value.
 */
import type { IncomingMessage } from 'node:http';
import * as v from 'valibot';
import { Refusal } from './refusal.js';

/** A member's name is its sender's text, and goes back into the answer. */
const LONGEST_PATH = 80;

export type RequestBody = Readonly<Record<string, unknown>>;

/** The object in the body, at most `most` bytes of it; an empty one for no body, which releases up to 0.140 send. */
export async function readObject(request: IncomingMessage, most: number): Promise<RequestBody> {
  const text = (await readBody(request, most)).toString().trim();
  if (text === '') return {};
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new Refusal(400, 'invalid_json', 'the body must be JSON, or empty');
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new Refusal(400, 'invalid_json', 'the body must be a JSON object, or empty');
  }
  return parsed as RequestBody;
}

/** The message in a body; throws {@link Refusal} `invalid_body`, which names the member that is wrong. */
export function messageIn<Schema extends v.GenericSchema>(schema: Schema, body: RequestBody): v.InferOutput<Schema> {
  const parsed = v.safeParse(schema, body);
  if (parsed.success) return parsed.output;
  const path = v.getDotPath(parsed.issues[0])?.slice(0, LONGEST_PATH) ?? 'the whole';
  throw new Refusal(400, 'invalid_body', `in the body, ${path} is missing or not what it should be`);
}

/**
 * The server's own timeout ends a body that never comes. What is too much is read on and thrown away, because a client
 * that is still sending would not see the answer of a closed connection.
 */
function readBody(request: IncomingMessage, most: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= most) {
        chunks.push(chunk);
        return;
      }
      chunks.length = 0;
      reject(new Refusal(413, 'body_too_large', `a body has at most ${most} bytes`, { connection: 'close' }));
    });
    request.on('end', () => resolve(Buffer.concat(chunks)));
    // Nobody is left to answer; without this the handler would wait for ever.
    request.on('close', () => reject(new Refusal(400, 'invalid_request', 'the request was cut short')));
  });
}
