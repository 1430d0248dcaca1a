/**
 * A recording of a rendezvous: which sockets there were, and which frames of which size it handed on. It has no charts, so
 * there is nothing in it to replay.
 */
import { isReliable } from '../../proto/frame.js';
import { packageVersion } from '../executor/package-version.js';
import { realClock } from '../observe/real-clock.js';
import { type ObservationRecord, RECORD_VERSION } from '../observe/record.js';
import { turnClock } from '../observe/turn-clock.js';
import type { RoutingObserver } from '../rendezvous/routing-observer.js';
import type { Recording } from './recording.js';
import { RecordingFile } from './recording-file.js';
import { Tape } from './tape.js';

export interface RoutingRecording extends Recording {
  readonly observer: RoutingObserver;
}

/** Rejects with RecordingError when the file cannot be made. */
export async function recordRouting(path: string, seed?: number): Promise<RoutingRecording> {
  const clock = turnClock(realClock);
  const file = await RecordingFile.create(path, ({ message }) => {
    process.stderr.write(`signalbox: ${message}; nothing more is recorded\n`);
  });
  const attached = new Map<number, 'harness' | 'executor'>();
  let write: (one: ObservationRecord) => void = () => {};
  const source = (take: (one: ObservationRecord) => void) => {
    write = take;
    const at = clock.now();
    const program = `signalbox ${packageVersion()}`;
    const head = { type: 'observing.started', at, version: RECORD_VERSION, program, wallTime: Date.now() } as const;
    take({ ...head, payloads: false, ...(seed === undefined ? {} : { seed }) });
    for (const [socket, role] of attached) take({ type: 'socket.attached', at, socket, role });
    return () => {
      write = () => {};
    };
  };
  const tape = new Tape(source, file, clock);
  let sockets = 0;
  const observer: RoutingObserver = {
    attached: (role) => {
      sockets += 1;
      const socket = sockets;
      attached.set(socket, role);
      write({ type: 'socket.attached', at: clock.now(), socket, role });
      return (code) => {
        attached.delete(socket);
        write({ type: 'socket.detached', at: clock.now(), socket, role, code });
      };
    },
    routed: (from, header, bytes, fate) => {
      const { streamId: stream, body: kind = 'unknown' } = header;
      write({ type: 'frame.routed', at: clock.now(), stream, from, kind, reliable: isReliable(header), bytes, fate });
    },
  };
  return {
    observer,
    close: async () => {
      tape.close();
      await file.close();
    },
  };
}
