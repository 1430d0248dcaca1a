/**
 * Where a replay and its recording part: what each of them says, in words short enough to be compared by eye.
 */
import type { Facts, FrameRecord, ObservationRecord } from '../observe/record.js';

export interface Difference {
  /** Of the recording, from 1. */
  readonly line: number;
  /** Milliseconds of the recorded program's clock. */
  readonly at: number;
  /** Which actor, or which stream's frames. */
  readonly where: string;
  readonly recorded: string;
  readonly replayed: string;
}

/** Written by whoever moves frames: a replay is given them, and need not find them. */
const GIVEN: ReadonlySet<string> = new Set(['traffic.heardAt', 'traffic.owedSince', 'traffic.plainBytes']);

type Words = { readonly recorded: string; readonly replayed: string };

/** Undefined when both say the same. */
export function compare(recorded: ObservationRecord, replayed: ObservationRecord): Words | undefined {
  if (recorded.type !== replayed.type) return both(recorded, replayed);
  switch (recorded.type) {
    case 'actor.changed': {
      const other = replayed as typeof recorded;
      if (recorded.event !== other.event || !same(recorded.states, other.states)) return both(recorded, replayed);
      if (!same(recorded.edges, other.edges)) {
        return { recorded: edgesText(recorded.edges), replayed: edgesText(other.edges) };
      }
      return factsDiffer(recorded.facts, other.facts);
    }
    case 'actor.ended': {
      const other = replayed as typeof recorded;
      const agree = recorded.status === other.status && same(recorded.states, other.states);
      return agree ? undefined : both(recorded, replayed);
    }
    case 'frame':
      return sameFrame(recorded, replayed as FrameRecord) ? undefined : both(recorded, replayed);
    case 'actor.appeared':
      return recorded.id === (replayed as typeof recorded).id ? undefined : both(recorded, replayed);
    default:
      return undefined;
  }
}

export function describe(record: ObservationRecord): string {
  switch (record.type) {
    case 'actor.changed':
      return `after ${record.event}: ${record.states.join(', ')}`;
    case 'actor.ended':
      return `ended (${record.status}) in ${record.states.join(', ')}`;
    case 'actor.appeared':
      return `${record.id} was made`;
    case 'frame':
      return frameText(record);
    default:
      return record.type;
  }
}

function both(recorded: ObservationRecord, replayed: ObservationRecord): Words {
  return { recorded: describe(recorded), replayed: describe(replayed) };
}

function factsDiffer(recorded: Facts, replayed: Facts): Words | undefined {
  for (const name of new Set([...Object.keys(recorded), ...Object.keys(replayed)])) {
    if (GIVEN.has(name) || Object.is(recorded[name], replayed[name])) continue;
    return {
      recorded: `${name} = ${recorded[name] ?? 'nothing'}`,
      replayed: `${name} = ${replayed[name] ?? 'nothing'}`,
    };
  }
  return undefined;
}

const FRAME_FIELDS = [
  'stream',
  'kind',
  'reliable',
  'ack',
  'ackBits',
  'window',
  'seq',
  'index',
  'count',
  'bytes',
  'nextSeq',
  'reason',
  'cause',
] as const;

function sameFrame(one: FrameRecord, other: FrameRecord): boolean {
  return FRAME_FIELDS.every((field) => one[field] === other[field]);
}

function frameText(frame: FrameRecord): string {
  const { kind, seq, index, count, bytes, nextSeq, reason, ack, ackBits, window, cause, reliable } = frame;
  const words = [
    kind,
    seq === undefined ? '' : String(seq),
    count === undefined || count === 1 ? '' : `(${(index ?? 0) + 1} of ${count})`,
    bytes === undefined ? '' : `${bytes} bytes`,
    nextSeq === undefined ? '' : `next ${nextSeq}`,
    reason ?? '',
    reliable ? `ack ${ack}` : '',
    ackBits === 0 ? '' : `bits ${(ackBits >>> 0).toString(2)}`,
    window === undefined ? '' : `window ${window}`,
    cause === undefined ? '' : `again: ${cause}`,
  ];
  return `sent ${words.filter((word) => word !== '').join(' ')}`;
}

function edgesText(edges: readonly string[]): string {
  return edges.length === 0 ? 'no transition' : `took ${edges.join(', ')}`;
}

function same(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((word, index) => word === other[index]);
}
