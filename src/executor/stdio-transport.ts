/**
 * JSON-RPC on two byte streams, one message a line (jsonrpc.md §1): `--listen stdio`. There is one connection; the end
 * of the input is the end of it, and nothing can be resumed.
 */
import type { Readable, Writable } from 'node:stream';
import type { RpcServer, RpcTransport } from '../rpc/transport.js';

const NEWLINE = 0x0a;
/** Bytes of one line; the same bound as for a message on any other way in. */
const LONGEST_LINE = 64 * 1024 * 1024;

class StdioTransport implements RpcTransport {
  readonly peer = 'exec-server stdio';
  readonly #input: Readable;
  readonly #output: Writable;

  constructor(input: Readable, output: Writable) {
    this.#input = input;
    this.#output = output;
  }

  get writable(): boolean {
    return !this.#output.writableNeedDrain;
  }

  onWritable(listener: () => void): void {
    this.#output.on('drain', listener);
  }

  send(message: Uint8Array): void {
    if (!this.#output.writable) return;
    this.#output.write(message);
    this.#output.write('\n');
  }

  setReading(reading: boolean): void {
    if (reading) this.#input.resume();
    else this.#input.pause();
  }

  end(): void {
    this.#input.destroy();
  }
}

/** Serves until the input ends or breaks, or nobody takes the output any more. Never rejects. */
export function serveStdio(server: RpcServer, input: Readable, output: Writable): Promise<void> {
  const connection = server.accept(new StdioTransport(input, output));
  return new Promise((resolve) => {
    let over = false;
    const finish = (reason: string) => {
      if (over) return;
      over = true;
      connection.closed(reason);
      // What was answered before the input ended is still owed.
      if (output.destroyed) resolve();
      else output.end(resolve);
    };
    const lines = new LineSplitter();
    input.on('data', (chunk: Buffer) => {
      const messages = lines.split(chunk);
      if (messages === undefined) {
        // Where the next message begins could only be guessed.
        input.destroy();
      } else if (messages.length > 0) connection.receive(messages);
    });
    input.once('end', () => finish('stdin_ended'));
    input.once('close', () => finish('stdin_closed'));
    input.on('error', () => finish('stdin_failed'));
    output.on('error', () => {
      finish('stdout_failed');
      resolve();
    });
  });
}

/** Cuts a byte stream into lines; blank ones are left out. */
class LineSplitter {
  #rest: Buffer[] = [];
  #restBytes = 0;

  /** The lines that `chunk` completes, or undefined when one is longer than is accepted. */
  split(chunk: Buffer): Uint8Array[] | undefined {
    const lines: Uint8Array[] = [];
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      const line = Buffer.concat([...this.#rest, chunk.subarray(start, end)]);
      this.#rest = [];
      this.#restBytes = 0;
      start = end + 1;
      if (line.toString('latin1').trim() !== '') lines.push(line);
    }
    if (start < chunk.length) {
      this.#rest.push(chunk.subarray(start));
      this.#restBytes += chunk.length - start;
    }
    return this.#restBytes > LONGEST_LINE ? undefined : lines;
  }
}
