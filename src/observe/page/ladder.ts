/**
 * The frames of one stream as rungs of a ladder, each with what it means beside those before it: whether it came twice,
 * shows or fills a gap, was sent again. It draws nothing.
 */
import type { FrameRecord } from '../record.js';

export type RungKind = 'plain' | 'twice' | 'gap' | 'fills' | 'again' | 'reset' | 'resume' | 'held';

export interface LadderRow {
  readonly moment: number;
  readonly frame: FrameRecord;
  readonly kind: RungKind;
  /** In words, for whoever cannot see the colour. */
  readonly note: string;
  /** Place in its message, where it has more segments than one. */
  readonly part: 'whole' | 'first' | 'middle' | 'last';
  /** Odd and even messages look different where they meet. */
  readonly odd: boolean;
}

/** Sequence numbers remembered beyond the contiguous ones: as many as a window has, and some. */
const MOST_BEYOND = 256;

const causes: Readonly<Record<NonNullable<FrameRecord['cause']>, string>> = {
  passed: 'again: three later acknowledged',
  late: 'again: a later one acknowledged',
  probe: 'again: probe, nothing was heard',
  resumed: 'again: resume, a new carrier',
};

/** What arrived, or left, of one direction. */
class Direction {
  /** Highest contiguous seq; undefined before the first. */
  contiguous: number | undefined;
  readonly beyond = new Set<number>();

  take(seq: number): { readonly kind: 'next' | 'twice' | 'beyond' | 'fills'; readonly missing: number } {
    if (this.contiguous === undefined) {
      this.contiguous = seq;
      return { kind: 'next', missing: 0 };
    }
    if (seq <= this.contiguous || this.beyond.has(seq)) return { kind: 'twice', missing: 0 };
    if (seq > this.contiguous + 1) {
      const missing = seq - this.contiguous - 1 - [...this.beyond].filter((other) => other < seq).length;
      this.beyond.add(seq);
      if (this.beyond.size > MOST_BEYOND) this.skip();
      return { kind: 'beyond', missing };
    }
    const filled = this.beyond.size > 0;
    this.contiguous = seq;
    this.close();
    return { kind: filled ? 'fills' : 'next', missing: 0 };
  }

  /** Records may be missing, so what never comes is not waited for. */
  private skip(): void {
    this.contiguous = Math.min(...this.beyond);
    this.close();
  }

  private close(): void {
    this.beyond.delete(this.contiguous ?? -1);
    while (this.contiguous !== undefined && this.beyond.delete(this.contiguous + 1)) this.contiguous += 1;
  }
}

export class Ladder {
  readonly rows: LadderRow[] = [];
  readonly #in = new Direction();
  readonly #out = new Direction();

  take(frame: FrameRecord, moment: number): void {
    const { kind, note } = this.#meaning(frame);
    this.rows.push({ moment, frame, kind, note, part: partOf(frame), odd: parity(frame) });
  }

  /** What is older than this moment. */
  forget(oldest: number): void {
    const keep = this.rows.findIndex((row) => row.moment >= oldest);
    this.rows.splice(0, keep === -1 ? this.rows.length : keep);
  }

  #meaning(frame: FrameRecord): { readonly kind: RungKind; readonly note: string } {
    switch (frame.kind) {
      case 'reset':
        return { kind: 'reset', note: frame.reason ?? '' };
      case 'resume':
        return { kind: 'resume', note: 'says who is there and what it has' };
      case 'heartbeat':
        return { kind: 'held', note: 'asks whether more is taken now' };
      case 'data':
        return this.#meaningOfData(frame);
      case 'ack':
        if (frame.ackBits !== 0) return { kind: 'plain', note: 'reports a gap' };
        return { kind: 'plain', note: frame.window === 0 ? 'takes nothing new for now' : '' };
      default:
        return { kind: 'plain', note: '' };
    }
  }

  #meaningOfData(frame: FrameRecord): { readonly kind: RungKind; readonly note: string } {
    const { seq = 0, dir, cause } = frame;
    if (dir === 'out') {
      this.#out.take(seq);
      return cause === undefined ? { kind: 'plain', note: '' } : { kind: 'again', note: causes[cause] };
    }
    const { kind, missing } = this.#in.take(seq);
    switch (kind) {
      case 'twice':
        return { kind: 'twice', note: 'came twice' };
      case 'beyond':
        return { kind: 'gap', note: `gap: ${missing} missing` };
      case 'fills':
        return { kind: 'fills', note: 'fills the gap' };
      default:
        return { kind: 'plain', note: '' };
    }
  }
}

/** Segments of one message share the number of its first. */
function parity({ kind, seq = 0, index = 0 }: FrameRecord): boolean {
  return kind === 'data' && (seq - index) % 2 === 1;
}

function partOf({ kind, index = 0, count = 1 }: FrameRecord): LadderRow['part'] {
  if (kind !== 'data' || count === 1) return 'whole';
  if (index === 0) return 'first';
  return index === count - 1 ? 'last' : 'middle';
}
