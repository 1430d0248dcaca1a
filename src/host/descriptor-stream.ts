/**
 * Standard output and error as streams that never block the event loop: Node writes to pipes synchronously, so a slow
 * reader (`| less`) would stop acknowledgements and pings of everything else in the process.
 */
import { write } from 'node:fs';
import { Writable } from 'node:stream';

/** A pipe whose other owner made it non-blocking says so instead of waiting. */
const RETRY_MS = 5;

/** A stream on an open file descriptor, which it never closes. Errors (EPIPE) are given to the writer. */
export function descriptorStream(descriptor: 1 | 2): Writable {
  return new Writable({
    highWaterMark: 64 * 1024,
    write: (chunk: Buffer, _encoding, done) => writeAll(descriptor, chunk, done),
  });
}

function writeAll(descriptor: number, chunk: Buffer, done: (error?: Error | null) => void): void {
  write(descriptor, chunk, 0, chunk.length, null, (error, written) => {
    if (error?.code === 'EAGAIN') {
      setTimeout(() => writeAll(descriptor, chunk, done), RETRY_MS);
    } else if (error) {
      done(error);
    } else if (written < chunk.length) {
      writeAll(descriptor, chunk.subarray(written), done);
    } else {
      done();
    }
  });
}
