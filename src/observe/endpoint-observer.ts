/**
 * What a relay endpoint tells whoever observes it. It is told beside the way of the frames, keeps nothing of them, and
 * must neither throw nor change anything.
 */
import type { RetransmitCause } from '../../machines/protocol/send-window.js';
import type { StreamPort } from '../../machines/stream-types.js';
import type { Frame } from '../../proto/frame.js';
import type { FrameDecodeError } from '../../proto/frame-error.js';

export interface EndpointObserver {
  sent(streamId: string, frames: readonly Frame[]): void;
  /** One cause for each of `frames`. */
  resent(streamId: string, frames: readonly Frame[], causes: readonly RetransmitCause[]): void;
  /** In arrival order, before anybody acts upon them. */
  received(streamId: string, frames: readonly Frame[]): void;
  rejected(error: FrameDecodeError): void;
}

/** The port of a stream, with everything that leaves through it shown to the observer too. */
export function observedPort(port: StreamPort, streamId: string, observer: EndpointObserver | undefined): StreamPort {
  if (observer === undefined) return port;
  return {
    ...port,
    transmit: (frames) => {
      observer.sent(streamId, frames);
      port.transmit(frames);
    },
    retransmit: (frames, causes) => {
      observer.resent(streamId, frames, causes);
      port.retransmit(frames, causes);
    },
  };
}
