/**
 * One JSON-RPC connection of a benchmark: as little work as possible, so that what is measured is the executor.
 */

export interface BenchSession {
  request(method: string, params: object): Promise<Reply>;
  /** Fire and forget; keeps acknowledgements flowing where the peer waits for them. */
  poke(): void;
  onNotification(listener: (notification: Notification) => void): void;
  receive(message: Buffer): void;
}

export interface Reply {
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly message: string };
}

export interface Notification {
  readonly method: string;
  readonly processId: string;
  /** Base64 characters of an output chunk. */
  readonly chunkLength: number;
}

const OUTPUT = Buffer.from('{"method":"process/output"');
const CHUNK = Buffer.from('"chunk":"');
const PROCESS_ID = Buffer.from('"processId":"');
const QUOTE = 0x22;
const LARGE_REPLY_BYTES = 256 * 1024;

export function benchSession(send: (message: Buffer) => void): BenchSession {
  const pending = new Map<number, (reply: Reply) => void>();
  let listener: (notification: Notification) => void = () => {};
  let lastId = 0;
  const post = (method: string, params: object) => {
    lastId += 1;
    send(Buffer.from(JSON.stringify({ id: lastId, method, params })));
    return lastId;
  };
  return {
    request: (method, params) =>
      new Promise((resolve) => {
        pending.set(post(method, params), resolve);
      }),
    poke: () => void post('process/terminate', { processId: 'none' }),
    onNotification: (heard) => {
      listener = heard;
    },
    receive: (message) => {
      // Output is only counted: parsing it would cost the client more than it costs the executor.
      if (message.subarray(0, OUTPUT.length).equals(OUTPUT)) {
        listener({
          method: 'process/output',
          processId: textAfter(message, PROCESS_ID),
          chunkLength: lengthAfter(message, CHUNK),
        });
        return;
      }
      // A large reply is a file: only whose it is and that it is no error is looked at, for the same reason.
      if (message.length > LARGE_REPLY_BYTES) {
        const id = Number(/^\{"id":(\d+),"result":/.exec(message.toString('latin1', 0, 64))?.[1]);
        const settle = pending.get(id);
        if (settle === undefined) throw new Error('a large message that is no reply to anything asked');
        pending.delete(id);
        settle({ result: {} });
        return;
      }
      const parsed = JSON.parse(message.toString('latin1')) as {
        id?: number;
        method?: string;
        params?: { processId?: string };
      };
      if (parsed.method !== undefined) {
        listener({ method: parsed.method, processId: parsed.params?.processId ?? '', chunkLength: 0 });
        return;
      }
      const settle = pending.get(parsed.id ?? 0);
      pending.delete(parsed.id ?? 0);
      settle?.(parsed as Reply);
    },
  };
}

export async function initialized(session: BenchSession, notify: (message: Buffer) => void): Promise<BenchSession> {
  const { error } = await session.request('initialize', { clientName: 'bench' });
  if (error) throw new Error(`initialize: ${error.message}`);
  notify(Buffer.from('{"method":"initialized"}'));
  return session;
}

function lengthAfter(message: Buffer, key: Buffer): number {
  const start = message.indexOf(key) + key.length;
  return message.indexOf(QUOTE, start) - start;
}

function textAfter(message: Buffer, key: Buffer): string {
  const start = message.indexOf(key) + key.length;
  return message.toString('latin1', start, message.indexOf(QUOTE, start));
}
