/**
 * Records a program that runs elsewhere on this machine, through the address of its inspector, until it is told to stop or
 * the program ends. The program is never waited for, and never waits: when this end is slow, it says what it left out.
 */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { RECORDING_PATH } from '../observe/inspector.js';
import { RecordingError } from './recording-error.js';
import { RecordingFile } from './recording-file.js';

export interface RemoteRecording {
  readonly records: number;
  /** The program ended before it was told to stop. */
  readonly programEnded: boolean;
}

const CONNECT_MS = 5000;
/** So much may wait for the disk before no more is read from the program. */
const MOST_WAITING_BYTES = 4 * 1024 * 1024;
const NEWLINE = 10;

/**
 * `inspector`: the address as it was printed, with its token. `started` is called when it records. Rejects with
 * {@link RecordingError}.
 */
export async function recordRemote(
  inspector: string,
  path: string,
  { signal, started }: { readonly signal: AbortSignal; started(): void },
): Promise<RemoteRecording> {
  const url = recordingUrl(inspector);
  const socket = new WebSocket(url, { handshakeTimeout: CONNECT_MS, perMessageDeflate: false });
  await opened(socket, url.host);
  const broken = new AbortController();
  let failure: RecordingError | undefined;
  const file = await RecordingFile.create(path, (error) => {
    failure = error;
    broken.abort();
  }).catch((error: unknown) => {
    socket.terminate();
    throw error;
  });
  let records = 0;
  socket.on('message', (data: Buffer) => {
    const text = data.toString('utf8');
    for (const byte of data) if (byte === NEWLINE) records += 1;
    file.write(text);
    if (file.waitingBytes < MOST_WAITING_BYTES || socket.isPaused) return;
    socket.pause();
    file.onDrained(() => socket.resume());
  });
  const gone = once(socket, 'close').then(() => 'gone' as const);
  started();
  const how = await Promise.race([gone, aborted(signal), aborted(broken.signal)]);
  socket.close();
  const cutOff = setTimeout(() => socket.terminate(), CONNECT_MS);
  await gone;
  clearTimeout(cutOff);
  await file.close();
  if (failure !== undefined) throw failure;
  return { records, programEnded: how === 'gone' };
}

function recordingUrl(inspector: string): URL {
  const base = URL.canParse(inspector) ? new URL(inspector) : undefined;
  if (base?.protocol !== 'http:' || !/^\/[^/]+\/$/.test(base.pathname)) {
    throw unreachable('the address of an inspector looks like http://127.0.0.1:PORT/TOKEN/, as its program prints it');
  }
  const url = new URL(RECORDING_PATH, base);
  url.protocol = 'ws:';
  url.hash = '';
  return url;
}

function opened(socket: WebSocket, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('open', () => resolve());
    socket.once('unexpected-response', (_, { statusCode }) => {
      socket.terminate();
      const why = statusCode === 404 ? 'its token is not that of the program there' : `it answered ${statusCode}`;
      reject(unreachable(`cannot record at ${host}: ${why}`));
    });
    socket.on('error', (error) => reject(unreachable(`cannot record at ${host}: ${error.message}`, error)));
  });
}

function unreachable(message: string, cause?: unknown): RecordingError {
  return new RecordingError('recording_unreachable', message, { cause });
}

function aborted(signal: AbortSignal): Promise<'aborted'> {
  if (signal.aborted) return Promise.resolve('aborted');
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve('aborted'), { once: true }));
}
