/**
 * What one side of a conversation amounts to, named so that two can be compared point by point: each answer in its turn,
 * each process with its output put together, each body, each close. How output was cut into chunks, and how
 * notifications fell between answers, is chance and left out; that sequence numbers are complete is not.
 */
import { neutral, type Places } from './places.js';
import { type Entry, type Message, methodOf } from './transcript.js';

/** E.g. `0 answer 3 fs/open` (connection, turn from 0, method), `0 process p`, `0 body r1`, `0 close`, `0 http 2`. */
export type Observations = ReadonlyMap<string, unknown>;

export interface ObserveOptions {
  readonly places: Places;
  /** Members that are left out wherever they occur. */
  readonly without?: ReadonlySet<string>;
  /** Keep chunks and sequence numbers of reads as they are. */
  readonly exactReads?: boolean;
}

/** Members whose text is base64. */
const ENCODED = new Set(['chunk', 'dataBase64', 'deltaBase64', 'bodyBase64']);
/** What an executor says of itself and its place: that it says it counts, not what. */
const OWN = new Set(['executorVersion', 'providerId', 'prependPathDirs']);

interface ProcessEvents {
  readonly seqs: number[];
  readonly streams: Map<string, { readonly seq: number; readonly bytes: Buffer }[]>;
  readonly ends: { readonly method: string; readonly seq: number; readonly rest: unknown }[];
}

export function observe(entries: readonly Entry[], options: ObserveOptions): Observations {
  const found = new Map<string, unknown>();
  const turns = new Map<string, number>();
  const processes = new Map<string, ProcessEvents>();
  const bodies = new Map<string, Message[]>();
  const next = (kind: string) => {
    const turn = turns.get(kind) ?? 0;
    turns.set(kind, turn + 1);
    return turn;
  };
  for (const { dir, conn = 0, msg } of entries) {
    if (dir === 'c2s') continue;
    if (msg.method?.startsWith('process/')) addEvent(processes, conn, msg, options);
    else if (msg.method === 'http/request/bodyDelta') {
      const key = `${conn} body ${(msg.params as { requestId: string }).requestId}`;
      bodies.set(key, [...(bodies.get(key) ?? []), msg]);
    } else if (msg.$close !== undefined) found.set(`${conn} close`, msg.$close.code);
    else if (msg.$http !== undefined) found.set(`${conn} http ${next(`${conn} http`)}`, msg.$http);
    else {
      const kind = msg.method ?? 'answer';
      const method = methodOf(entries, conn, msg.id);
      found.set([conn, kind, next(`${conn} ${kind}`), method].filter((part) => part !== undefined).join(' '), {
        ...(simplified(msg, options) as object),
      });
    }
  }
  for (const [key, events] of processes) found.set(key, together(events, options.places));
  for (const [key, deltas] of bodies) found.set(key, bodiesOf(deltas));
  return found;
}

/** The names of what is not equal, or is on one side only. */
export function differing(one: Observations, other: Observations): string[] {
  const names = new Set([...one.keys(), ...other.keys()]);
  return [...names].filter((name) => JSON.stringify(one.get(name)) !== JSON.stringify(other.get(name))).sort();
}

function addEvent(processes: Map<string, ProcessEvents>, conn: number, msg: Message, options: ObserveOptions): void {
  const { processId, seq, stream, chunk, ...rest } = msg.params as Record<string, unknown>;
  const key = `${conn} process ${processId}`;
  const events: ProcessEvents = processes.get(key) ?? { seqs: [], streams: new Map(), ends: [] };
  processes.set(key, events);
  events.seqs.push(seq as number);
  if (msg.method === 'process/output') {
    const pieces = events.streams.get(stream as string) ?? [];
    events.streams.set(stream as string, [
      ...pieces,
      { seq: seq as number, bytes: Buffer.from(chunk as string, 'base64') },
    ]);
  } else events.ends.push({ method: msg.method as string, seq: seq as number, rest: simplified(rest, options) });
}

function together({ seqs, streams, ends }: ProcessEvents, places: Places) {
  const sorted = [...seqs].sort((a, b) => a - b);
  // One that was resumed was heard from its middle on, but without gaps from there.
  const complete = sorted.every((seq, index) => seq === (sorted[0] as number) + index);
  const closed = ends.find(({ method }) => method === 'process/closed');
  const text = [...streams].sort().map(([stream, pieces]) => {
    const bytes = pieces.sort((a, b) => a.seq - b.seq).map((piece) => piece.bytes);
    return [stream, neutral(Buffer.concat(bytes).toString('latin1'), places)];
  });
  return {
    output: Object.fromEntries(text),
    ends: ends.map(({ method, rest }) => ({ method, rest })).sort((a, b) => (a.method < b.method ? 1 : -1)),
    numbers: complete && (closed === undefined || closed.seq === sorted.at(-1)) ? 'complete, closed last' : sorted,
  };
}

function bodiesOf(deltas: readonly Message[]) {
  const bodies: { readonly body: string; readonly failed: boolean }[] = [];
  let pieces: Buffer[] = [];
  let expected = 1;
  for (const { params } of deltas) {
    const delta = params as { seq: number; deltaBase64: string; done: boolean; error: string | null };
    if (delta.seq !== expected) throw new Error(`piece ${delta.seq} of a body came where ${expected} was next`);
    pieces.push(Buffer.from(delta.deltaBase64, 'base64'));
    expected = delta.done ? 1 : expected + 1;
    if (!delta.done) continue;
    bodies.push({ body: Buffer.concat(pieces).toString('latin1'), failed: delta.error !== null });
    pieces = [];
  }
  return { bodies, unfinished: Buffer.concat(pieces).toString('latin1') };
}

/** With members in alphabetical order, so that equal values have equal texts. */
function simplified(value: unknown, options: ObserveOptions, name = ''): unknown {
  if (typeof value === 'string') return simplifiedText(value, options, name);
  if (Array.isArray(value)) {
    const items = value.map((item) => simplified(item, options));
    return name === 'entries' ? items.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) : items;
  }
  if (typeof value !== 'object' || value === null) return /AtMs$/.test(name) && Number(value) > 0 ? 'TIME' : value;
  const { exactReads = false, without = new Set() } = options;
  const members = Object.entries(value).filter(([key]) => !without.has(key));
  if (name === 'capabilities') return members.map(([key]) => key).sort();
  const simple = members.map(([key, member]): [string, unknown] => {
    if (OWN.has(key) || (key === 'cwd' && 'shell' in value)) return [key, `its own, ${typeof member}`];
    if (key === 'chunks' && !exactReads) return [key, outputOf(member as readonly Chunk[], options.places)];
    return [key, simplified(member, options, key)];
  });
  const kept = simple.filter(([key]) => key !== 'nextSeq' || exactReads);
  return Object.fromEntries(kept.sort(([a], [b]) => (a < b ? -1 : 1)));
}

interface Chunk {
  readonly stream: string;
  readonly chunk: string;
}

function outputOf(chunks: readonly Chunk[], places: Places) {
  const streams = [...new Set(chunks.map(({ stream }) => stream))].sort();
  const text = streams.map((stream) => {
    const bytes = chunks.filter((chunk) => chunk.stream === stream).map(({ chunk }) => Buffer.from(chunk, 'base64'));
    return [stream, neutral(Buffer.concat(bytes).toString('latin1'), places)];
  });
  return Object.fromEntries(text);
}

function simplifiedText(text: string, { places }: ObserveOptions, name: string): string {
  const bytes = ENCODED.has(name) ? Buffer.from(text, 'base64') : undefined;
  const encoded = bytes !== undefined && bytes.toString('base64') === text;
  return neutral(encoded ? bytes.toString('latin1') : text, places);
}
