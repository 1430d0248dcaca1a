/**
 * The order of encrypted records whose sender keeps nothing (relay.md §7.2): every release. Settled before decryption,
 * because a record's number is its nonce. Nothing is acknowledged and nothing can be asked for again: a gap stays until
 * what is missing arrives. Reliable streams have receive-window.ts for this.
 */
import { type DataBody, UINT32_MAX } from '../../proto/frame.js';

export interface NoiseOrder {
  /** The seq that is opened next. */
  readonly expected: number;
  /** Records beyond a gap, ascending by seq, each seq once: the first copy wins. */
  readonly held: readonly DataBody[];
  readonly heldBytes: number;
}

/** Releases number records from 0. */
export const newNoiseOrder: NoiseOrder = { expected: 0, held: [], heldBytes: 0 };

export interface NoiseOrderBounds {
  /** How far beyond the expected seq one may be, and how many may wait. */
  readonly reorderFrames: number;
  /** Bytes of those that wait. */
  readonly reorderBytes: number;
}

/** What releases accept. */
export const defaultNoiseOrderBounds: NoiseOrderBounds = { reorderFrames: 64, reorderBytes: 1024 * 1024 };

export interface NoiseOrderViolation {
  readonly code: 'seq_beyond_window' | 'out_of_order_bytes_exceeded' | 'seq_exhausted';
  readonly message: string;
}

export interface Ordered {
  readonly order: NoiseOrder;
  /** Records to open now; the first has the seq that was expected before, and none is missing between them. */
  readonly records: readonly Uint8Array[];
  readonly duplicates: number;
  /** Set when the peer broke a bound: the records before it stand, the stream must be reset. */
  readonly violation?: NoiseOrderViolation;
}

export function isStalled(order: NoiseOrder): boolean {
  return order.held.length > 0;
}

/** Takes the data bodies of one batch in arrival order. */
export function putInOrder(
  before: NoiseOrder,
  bodies: readonly DataBody[],
  bounds: NoiseOrderBounds = defaultNoiseOrderBounds,
): Ordered {
  let { expected, heldBytes } = before;
  const held = [...before.held];
  const records: Uint8Array[] = [];
  let duplicates = 0;
  let violation: NoiseOrderViolation | undefined;

  for (const body of bodies) {
    if (body.seq < expected || held.some(({ seq }) => seq === body.seq)) {
      duplicates += 1;
      continue;
    }
    violation = judge(body, expected, heldBytes, bounds);
    if (violation) break;
    if (body.seq > expected) {
      const place = held.findIndex(({ seq }) => seq > body.seq);
      held.splice(place === -1 ? held.length : place, 0, { ...body, payload: body.payload.slice() });
      heldBytes += body.payload.length;
      continue;
    }
    records.push(body.payload);
    expected += 1;
    while (held[0]?.seq === expected) {
      const { payload } = held.shift() as DataBody;
      heldBytes -= payload.length;
      records.push(payload);
      expected += 1;
    }
  }
  return { order: { expected, held, heldBytes }, records, duplicates, ...(violation ? { violation } : {}) };
}

function judge(
  { seq, payload }: DataBody,
  expected: number,
  heldBytes: number,
  bounds: NoiseOrderBounds,
): NoiseOrderViolation | undefined {
  if (seq === UINT32_MAX) {
    return { code: 'seq_exhausted', message: 'the peer has used the last sequence number of the stream' };
  }
  if (seq - expected > bounds.reorderFrames) {
    const message = `seq ${seq} is more than ${bounds.reorderFrames} beyond ${expected}, the next one`;
    return { code: 'seq_beyond_window', message };
  }
  if (seq > expected && heldBytes + payload.length > bounds.reorderBytes) {
    const message = `more than ${bounds.reorderBytes} bytes wait behind a gap in the sequence`;
    return { code: 'out_of_order_bytes_exceeded', message };
  }
  return undefined;
}
