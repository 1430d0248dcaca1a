/**
 * The receiving half of a reliable stream: order, duplicates, gaps, reassembly (DESIGN §5.2.1 to 5.2.3).
 * A pure value and functions on it; it keeps payloads, it never sends, and it has no idea of time.
 */
import type { DataBody } from '../../proto/frame.js';
import { toAckBits } from './ack-bits.js';
import { assemble, type MessageBounds, noPartialMessage, type PartialMessage } from './reassembly.js';
import { LAST_RELIABLE_SEQ } from './sequence.js';

export interface ReceiveWindow {
  /** Highest contiguous seq received; 0 = none yet. */
  readonly ack: number;
  /** Segments beyond a gap, ascending by seq; their bytes are bounded. */
  readonly held: readonly DataBody[];
  readonly heldBytes: number;
  /** The message whose first segments have arrived in order. */
  readonly partial: PartialMessage;
}

export interface ReceiveBounds extends MessageBounds {
  readonly windowSegments: number;
  readonly outOfOrderBytes: number;
}

export type ReceiveViolationCode =
  | 'seq_zero'
  | 'seq_beyond_window'
  | 'seq_exhausted'
  | 'segment_facts_contradictory'
  | 'message_oversized'
  | 'out_of_order_bytes_exceeded';

export interface ReceiveViolation {
  readonly code: ReceiveViolationCode;
  readonly message: string;
}

/** What a batch of segments did. */
export interface Received {
  readonly window: ReceiveWindow;
  /** Whole messages, in order, exactly once. */
  readonly messages: readonly Uint8Array[];
  /** Segments that were not there before, in order or held. */
  readonly fresh: number;
  /** Segments that were there already; the peer must have missed the acknowledgement. */
  readonly duplicates: number;
  /** Set when the peer broke the contract: what came before it stands, the stream must be reset. */
  readonly violation?: ReceiveViolation;
}

export const emptyReceiveWindow: ReceiveWindow = { ack: 0, held: [], heldBytes: 0, partial: noPartialMessage };

export function hasGap(window: ReceiveWindow): boolean {
  return window.held.length > 0;
}

export function ackBitsOf(window: ReceiveWindow): number {
  return window.held.length === 0
    ? 0
    : toAckBits(
        window.ack,
        window.held.map((segment) => segment.seq),
      );
}

/** Takes the segments of one batch in arrival order. */
export function receive(before: ReceiveWindow, segments: readonly DataBody[], bounds: ReceiveBounds): Received {
  const draft = new ReceiveDraft(before, bounds);
  for (const segment of segments) {
    draft.take(segment);
    if (draft.violation) break;
  }
  return draft.finish();
}

/** A held payload must not keep alive a much larger buffer that it is only a view on. */
function detached(segment: DataBody): DataBody {
  const { payload } = segment;
  return payload.length * 2 > payload.buffer.byteLength ? segment : { ...segment, payload: payload.slice() };
}

/** The window while a batch is worked on; lives no longer than one call of `receive`. */
class ReceiveDraft {
  violation: ReceiveViolation | undefined;
  private ack: number;
  private held: DataBody[];
  private heldBytes: number;
  private partial: PartialMessage;
  private readonly messages: Uint8Array[] = [];
  private fresh = 0;
  private duplicates = 0;

  constructor(
    before: ReceiveWindow,
    private readonly bounds: ReceiveBounds,
  ) {
    this.ack = before.ack;
    this.held = [...before.held];
    this.heldBytes = before.heldBytes;
    this.partial = before.partial;
  }

  take(segment: DataBody): void {
    if (segment.seq === 0) {
      this.violate('seq_zero', 'a reliable stream numbers its segments from 1, got 0');
    } else if (segment.seq <= this.ack) {
      this.duplicates += 1;
    } else if (segment.seq === this.ack + 1) {
      this.fresh += 1;
      this.accept(segment);
      this.acceptHeld();
    } else if (segment.seq > this.ack + this.bounds.windowSegments) {
      const last = this.ack + this.bounds.windowSegments;
      this.violate('seq_beyond_window', `seq ${segment.seq} is beyond the receive window, which ends at ${last}`);
    } else {
      this.hold(segment);
    }
  }

  finish(): Received {
    const { ack, held, heldBytes, partial, messages, fresh, duplicates, violation } = this;
    const window: ReceiveWindow = { ack, held, heldBytes, partial };
    return { window, messages, fresh, duplicates, ...(violation ? { violation } : {}) };
  }

  private accept(segment: DataBody): void {
    if (segment.seq === LAST_RELIABLE_SEQ) {
      this.violate('seq_exhausted', 'the peer has used the last sequence number of the stream');
      return;
    }
    const assembled = assemble(this.partial, segment, this.bounds);
    switch (assembled.kind) {
      case 'contradictory':
        this.violate('segment_facts_contradictory', `seq ${segment.seq}: ${assembled.message}`);
        return;
      case 'oversized':
        this.violate('message_oversized', assembled.message);
        return;
      case 'complete':
        this.messages.push(assembled.message);
        this.partial = noPartialMessage;
        break;
      case 'incomplete':
        this.partial = assembled.partial;
    }
    this.ack = segment.seq;
  }

  private acceptHeld(): void {
    while (this.violation === undefined && this.held[0]?.seq === this.ack + 1) {
      const [next] = this.held.splice(0, 1) as [DataBody];
      this.heldBytes -= next.payload.length;
      this.accept(next);
    }
  }

  private hold(segment: DataBody): void {
    const place = this.held.findIndex((other) => other.seq >= segment.seq);
    const same = place === -1 ? undefined : this.held[place];
    if (same?.seq === segment.seq) {
      this.duplicates += 1;
      if (same.segmentIndex !== segment.segmentIndex || same.segmentCount !== segment.segmentCount) {
        this.violate('segment_facts_contradictory', `seq ${segment.seq} came again with other segment facts`);
      }
      return;
    }
    if (this.heldBytes + segment.payload.length > this.bounds.outOfOrderBytes) {
      const most = this.bounds.outOfOrderBytes;
      this.violate('out_of_order_bytes_exceeded', `more than ${most} bytes wait behind a gap in the sequence`);
      return;
    }
    this.fresh += 1;
    this.held.splice(place === -1 ? this.held.length : place, 0, detached(segment));
    this.heldBytes += segment.payload.length;
  }

  private violate(code: ReceiveViolationCode, message: string): void {
    this.violation = { code, message };
  }
}
