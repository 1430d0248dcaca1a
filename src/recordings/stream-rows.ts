/**
 * What happened on each stream of a recording, row by row, as a sequence diagram shows it: frames, what the program
 * handed over, what became of the carrier, where the chart went. It draws nothing.
 */
import { Ladder, type RungKind } from '../observe/page/ladder.js';
import { eventText } from '../observe/page/words.js';
import type { ActorChangedRecord, ActorReceivedRecord, FrameRecord, ObservationRecord } from '../observe/record.js';

export type RowKind = RungKind | 'carrier' | 'input' | 'change' | 'end' | 'missing';

export interface DiagramRow {
  readonly line: number;
  /** Milliseconds of the recorded program's clock. */
  readonly at: number;
  readonly kind: RowKind;
  /** Of a frame: `out` leaves this end. */
  readonly dir?: 'in' | 'out';
  /** What it is. */
  readonly label: string;
  /** What it means, where that is not plain. */
  readonly note: string;
  /** Ack bits of a frame, as cells. */
  readonly bits: number;
  /** Where the chart went on account of it. */
  chart: string;
}

export interface StreamDiagram {
  readonly stream: string;
  role: 'harness' | 'executor' | undefined;
  readonly rows: DiagramRow[];
  /** Whether it had a life before the recording. */
  hadPast: boolean;
}

const KIB = 1024;

export class StreamRows {
  /** By stream, in the order they were first heard of. */
  readonly diagrams = new Map<string, StreamDiagram>();
  readonly #ladders = new Map<string, Ladder>();
  /** Streams of actors, connections of streams, and the newest state that was told. */
  readonly #streamOf = new Map<string, string>();
  readonly #connectionOf = new Map<string, string>();
  readonly #charts = new Map<string, string | undefined>();
  readonly #states = new Map<string, string>();
  readonly #roles = new Map<number, 'harness' | 'executor'>();
  /** A rendezvous has neither ends nor charts. */
  readonly #only: string | undefined;

  /** `only` that stream: its id, or a beginning of it. */
  constructor(only?: string) {
    this.#only = only;
  }

  take(line: number, record: ObservationRecord): void {
    switch (record.type) {
      case 'endpoint.opened':
        this.#roles.set(record.endpoint, record.role);
        return;
      case 'actor.appeared': {
        const { actor, id, parent, chart, primed } = record;
        this.#charts.set(actor, chart);
        if (chart !== 'stream') return;
        const stream = id.slice('stream:'.length);
        this.#streamOf.set(actor, stream);
        if (parent !== undefined) this.#connectionOf.set(actor, parent);
        const diagram = this.#diagram(stream);
        if (diagram === undefined) return;
        diagram.hadPast ||= primed === true;
        if (primed === true) this.#states.set(actor, standingText(record.states));
        return;
      }
      case 'actor.received':
        this.#receive(line, record);
        return;
      case 'actor.changed':
        this.#change(line, record);
        return;
      case 'actor.ended': {
        const stream = this.#streamOf.get(record.actor);
        const over = record.status === 'error' ? `crashed: ${record.error?.message ?? ''}` : 'over';
        if (stream !== undefined) this.#add(stream, { line, at: record.at, kind: 'end', label: over });
        this.#streamOf.delete(record.actor);
        return;
      }
      case 'frame':
        this.#frame(line, record);
        return;
      case 'frame.rejected': {
        const { at, stream, code } = record;
        if (stream !== undefined)
          this.#add(stream, { line, at, kind: 'reset', dir: 'in', label: 'unacceptable', note: code });
        return;
      }
      case 'frame.routed': {
        const { at, stream, from, kind, bytes, fate } = record;
        const note = fate === 'passed' ? '' : fate === 'dropped' ? 'nobody is there: dropped' : 'answered with a reset';
        const dir = from === 'harness' ? 'out' : 'in';
        const shown = kind === 'reset' ? 'reset' : fate === 'passed' ? 'plain' : 'gap';
        this.#add(stream, { line, at, kind: shown, dir, label: `${kind} · ${sizeText(bytes)}`, note });
        return;
      }
      case 'socket.attached':
      case 'socket.detached':
        for (const stream of this.diagrams.keys()) {
          const label = `${record.role}'s socket ${record.socket} ${record.type === 'socket.attached' ? 'came' : 'is gone'}`;
          this.#add(stream, { line, at: record.at, kind: 'carrier', label });
        }
        return;
      case 'records.dropped':
        for (const stream of this.diagrams.keys()) {
          this.#add(stream, {
            line,
            at: record.at,
            kind: 'missing',
            label: `${record.count} records are missing here`,
          });
        }
    }
  }

  #frame(line: number, record: FrameRecord): void {
    const { stream, at, dir, ackBits, endpoint } = record;
    const diagram = this.#diagram(stream);
    if (diagram === undefined) return;
    diagram.role ??= this.#roles.get(endpoint);
    let ladder = this.#ladders.get(stream);
    if (ladder === undefined) {
      ladder = new Ladder();
      this.#ladders.set(stream, ladder);
    }
    ladder.take(record, line);
    const rung = ladder.rows.at(-1);
    ladder.rows.length = 0;
    const kind = rung?.kind ?? 'plain';
    // A reset says its reason itself.
    const note = kind === 'reset' ? '' : (rung?.note ?? '');
    this.#add(stream, { line, at, kind, dir, label: frameText(record), note, bits: ackBits >>> 0 });
  }

  #receive(line: number, record: ActorReceivedRecord): void {
    const { actor, event, facts, at } = record;
    const stream = this.#streamOf.get(actor);
    if (stream !== undefined) {
      const label = inputText(record);
      if (label !== undefined) this.#add(stream, { line, at, kind: 'input', label });
      return;
    }
    if (this.#charts.get(actor) !== 'connection') return;
    const label = carrierText(event, facts);
    if (label === undefined) return;
    for (const [one, connection] of this.#connectionOf) {
      const its = this.#streamOf.get(one);
      if (connection === actor && its !== undefined) this.#add(its, { line, at, kind: 'carrier', label });
    }
  }

  #change(line: number, { actor, at, event, states }: ActorChangedRecord): void {
    const stream = this.#streamOf.get(actor);
    if (stream === undefined) return;
    const now = standingText(states);
    if (this.#states.get(actor) === now) return;
    this.#states.set(actor, now);
    const diagram = this.#diagram(stream);
    if (diagram === undefined) return;
    const last = diagram.rows.at(-1);
    // Beside what set it off, if that is shown.
    if (last !== undefined && last.at === at && last.chart === '') last.chart = now;
    else this.#add(stream, { line, at, kind: 'change', label: changeText(event), chart: now });
  }

  #diagram(stream: string): StreamDiagram | undefined {
    if (this.#only !== undefined && !stream.startsWith(this.#only)) return undefined;
    const known = this.diagrams.get(stream);
    if (known !== undefined) return known;
    const diagram: StreamDiagram = { stream, role: undefined, rows: [], hadPast: false };
    this.diagrams.set(stream, diagram);
    return diagram;
  }

  #add(stream: string, row: Partial<DiagramRow> & Pick<DiagramRow, 'line' | 'at' | 'kind' | 'label'>): void {
    this.#diagram(stream)?.rows.push({ note: '', bits: 0, chart: '', ...row });
  }
}

function frameText({
  kind,
  seq,
  index = 0,
  count = 1,
  bytes = 0,
  nextSeq,
  reason,
  ack,
  reliable,
  window,
}: FrameRecord): string {
  const acked = reliable && kind !== 'reset' && kind !== 'handshake' ? ` · ack ${ack}` : '';
  const full = window === 0 ? ' · window 0' : '';
  switch (kind) {
    case 'data': {
      const part = count > 1 ? ` (${index + 1}/${count})` : '';
      return `data ${seq}${part} · ${sizeText(bytes)}${acked}${full}`;
    }
    case 'ack':
      return `ack ${ack}${full}`;
    case 'handshake':
      return `handshake · ${sizeText(bytes)}`;
    case 'resume':
      return `resume · next ${nextSeq}${acked}${full}`;
    case 'reset':
      return `reset · ${reason ?? ''}`;
    default:
      return `${kind}${acked}${full}`;
  }
}

/** What the program, or the time, asked of the stream; what its frames and its connection tell is shown as such. */
function inputText({ event, facts }: ActorReceivedRecord): string | undefined {
  switch (event) {
    case 'flush': {
      const { messages = 0, bytes = 0 } = facts;
      return `${messages === 1 ? '1 message' : `${messages} messages`} to send · ${sizeText(Number(bytes))}`;
    }
    case 'stream.close':
      return 'asked to close';
    case 'stream.reset':
      return `asked to reset · ${facts.reason ?? ''}`;
    case 'reader.paused':
      return 'the reader has enough';
    case 'reader.resumed':
      return 'the reader wants more';
    default:
      return undefined;
  }
}

function carrierText(event: string, facts: ActorReceivedRecord['facts']): string | undefined {
  switch (event) {
    case 'socket.opened':
      return 'a new carrier';
    case 'socket.closed':
      return `the carrier is lost · code ${facts.code ?? '?'}`;
    case 'socket.refused':
      return `no carrier: refused with ${facts.status ?? '?'}`;
    case 'machine.woke':
      return 'this machine has slept';
    default:
      return undefined;
  }
}

function changeText(event: string): string {
  const [, how, step] = /^xstate\.(done|error)\.actor\.(.+)$/.exec(event) ?? [];
  if (step !== undefined) return `${step}: ${how === 'done' ? 'done' : 'failed'}`;
  return event === 'xstate.init' ? 'the stream begins' : eventText(event);
}

/** A region that rests here has nothing to tell. */
const AT_REST: ReadonlySet<string> = new Set(['attached', 'inOrder', 'idle', 'taking', 'quiet', 'serving', 'complete']);

/** `sending.inFlight.flowing, acking.delayed`: what is not as it is at rest, of a stream whose profile is known. */
function standingText(states: readonly string[]): string {
  const paths = states.map((state) => state.replace(/^stream\./, ''));
  const telling = paths.filter((path) => !AT_REST.has(path.slice(path.lastIndexOf('.') + 1)));
  if (telling.length === 0) return `${paths[0]?.split('.')[0] ?? ''}, at rest`;
  return telling.map((path) => path.replace(/^reliable\./, '')).join(', ');
}

export function sizeText(bytes: number): string {
  if (bytes < KIB) return `${bytes} B`;
  if (bytes < KIB * KIB) return `${(bytes / KIB).toFixed(bytes < 10 * KIB ? 1 : 0)} KiB`;
  return `${(bytes / KIB / KIB).toFixed(1)} MiB`;
}
