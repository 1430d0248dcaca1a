/**
 * Runs a recording again: the connections and streams in it are made anew, production charts all of them, and are given
 * what was recorded of the world, at the time when it was. What they do then must be what was recorded: the same
 * transitions, the same frames. It touches no network, waits for nothing, and stops at the first difference.
 */
import { type AnyActorRef, createActor, fromCallback } from 'xstate';
import { connectionMachine } from '../../machines/connection.machine.js';
import { streamActorId } from '../../machines/connection-setup.js';
import type { ConnectionTiming } from '../../machines/connection-types.js';
import { newTraffic, type Traffic } from '../../machines/protocol/traffic.js';
import type { StreamTiming } from '../../machines/stream-types.js';
import type { Limits } from '../../proto/limits.js';
import { Observation } from '../observe/observation.js';
import type {
  ActorAppearedRecord,
  ActorReceivedRecord,
  EndpointRecord,
  FrameRecord,
  ObservationRecord,
} from '../observe/record.js';
import { record } from '../observe/recorder.js';
import { shownName } from '../observe/shown-words.js';
import { Arrivals } from './arrivals.js';
import { RecordedChance } from './recorded-chance.js';
import { eventOf, ImpossibleRecord } from './recorded-event.js';
import { RecordingError } from './recording-error.js';
import type { RecordedLine } from './recording-reader.js';
import { ReplayClock } from './replay-clock.js';
import { compare, type Difference, describe } from './replay-difference.js';
import { childrenOf, framesOf, ReplayedDeeds } from './replayed-deeds.js';
import { ReplayedEndpoint } from './replayed-endpoint.js';

export interface ReplayReport {
  readonly connections: number;
  readonly streams: number;
  /** Actors that had a life before the recording and could not be made anew. */
  readonly unknownPast: number;
  /** Events given to actors. */
  readonly inputs: number;
  /** Found to be the same. */
  readonly transitions: number;
  readonly frames: number;
  readonly difference?: Difference;
}

/** Throws {@link RecordingError} for a recording that contradicts itself. */
export function replay(lines: readonly RecordedLine[], isTruncated = false): ReplayReport {
  return new Replay(lines).run(isTruncated);
}

interface ReplayedActor {
  readonly ref: AnyActorRef;
  readonly name: string;
  readonly streamId?: string;
  readonly traffic?: Traffic;
}

/** Parents of everything that is replayed; they only have to be there. */
const stageLogic = fromCallback(() => () => {});

/** Thrown to stop, caught where the replay began. */
class Parted extends Error {
  readonly difference: Difference;

  constructor(difference: Difference) {
    super(difference.recorded);
    this.difference = difference;
  }
}

class Replay {
  readonly #lines: readonly RecordedLine[];
  readonly #clock: ReplayClock;
  readonly #observation: Observation;
  readonly #stage: AnyActorRef;
  readonly #endpoints = new Map<number, ReplayedEndpoint>();
  /** Opened last, and not taken by a connection yet. */
  #fresh: ReplayedEndpoint | undefined;
  /** By the name the recording has for them. */
  readonly #actors = new Map<string, ReplayedActor>();
  /** Streams that are replayed without their connection. */
  readonly #orphans = new Set<string>();
  readonly #arrivals = new Arrivals();
  readonly #deeds = new ReplayedDeeds();
  readonly #chance: RecordedChance;
  /** Where the recording tells of the frames that left, by endpoint and stream. */
  readonly #sent = new Map<string, { readonly indexes: number[]; next: number }>();
  /** Records that were given already, in the midst of what an earlier one set off. */
  readonly #given = new Set<number>();
  #index = 0;
  #counts = { connections: 0, streams: 0, unknownPast: 0, inputs: 0, transitions: 0, frames: 0 };

  constructor(lines: readonly RecordedLine[]) {
    this.#lines = lines;
    this.#chance = new RecordedChance(lines);
    for (const [index, { record: one }] of lines.entries()) {
      if (one.type === 'frame' && one.dir === 'out') this.#noteSent(framesOf(one.endpoint, one.stream), index);
    }
    this.#clock = new ReplayClock(() => {
      const scheduled = Object.values(this.#stage.system.getSnapshot()._scheduledEvents);
      return scheduled.at(-1) as
        | { readonly target: AnyActorRef; readonly event: { readonly type: string } }
        | undefined;
    });
    this.#observation = new Observation({ clock: this.#clock });
    this.#stage = createActor(stageLogic, { clock: this.#clock, id: 'stage' }).start();
    this.#observation.addRoot(this.#stage);
    record(this.#observation, { write: this.#deeds.take });
  }

  run(isTruncated: boolean): ReplayReport {
    try {
      for (this.#index = 0; this.#index < this.#lines.length; this.#index += 1) this.#step();
      if (!isTruncated) this.#expectNothingMore();
      return this.#counts;
    } catch (error) {
      if (error instanceof Parted) return { ...this.#counts, difference: error.difference };
      if (error instanceof ImpossibleRecord) {
        const { line } = this.#line;
        throw new RecordingError('recording_malformed', `line ${line}: ${error.message}`, { line, cause: error });
      }
      throw error;
    } finally {
      for (const { ref } of this.#actors.values()) this.#discard(ref);
      this.#stage.stop();
    }
  }

  get #line(): RecordedLine {
    return this.#lines[this.#index] as RecordedLine;
  }

  #step(): void {
    const { record: one } = this.#line;
    this.#clock.standAt(one.at);
    switch (one.type) {
      case 'endpoint.opened':
        this.#openEndpoint(one);
        return;
      case 'actor.appeared':
        this.#appear(one);
        return;
      case 'frame':
        if (one.dir === 'in') this.#arrivals.add(one);
        else this.#expectFrame(one);
        return;
      case 'actor.received':
        if (!this.#given.delete(this.#index)) this.#receive(one);
        return;
      case 'actor.changed':
      case 'actor.ended': {
        const actor = this.#actors.get(one.actor);
        if (actor === undefined) return;
        // Somebody outside stopped it, and with it what it was made of.
        if (one.type === 'actor.ended' && one.status === 'stopped' && !this.#deeds.has(actor.ref.sessionId)) {
          this.#actors.delete(one.actor);
          return;
        }
        this.#expect(actor.ref.sessionId, actor.name);
        this.#counts.transitions += one.type === 'actor.changed' ? 1 : 0;
        if (one.type !== 'actor.ended') return;
        this.#actors.delete(one.actor);
        if (actor.streamId !== undefined) this.#orphans.delete(actor.streamId);
        return;
      }
      case 'records.dropped':
        // Nothing that was there can be followed over a gap.
        this.#forget();
    }
  }

  #openEndpoint(one: EndpointRecord): void {
    if (this.#endpoints.has(one.endpoint)) return;
    const { role, retry, encryption } = one;
    const limits = one.limits as unknown as Limits;
    const timing = one.timing as unknown as ConnectionTiming;
    const streamTiming = one.streamTiming as unknown as StreamTiming;
    const facts = { role, retry, encryption, limits, timing, streamTiming };
    const observed = this.#observation.addEndpoint(facts, () => this.#chance.draw(one.endpoint, this.#index));
    const number = this.#endpoints.size + 1;
    this.#fresh = new ReplayedEndpoint({
      ...facts,
      ...observed,
      number,
      clock: this.#clock,
      sent: (streamId, count) => this.#passOn(one.endpoint, streamId, count),
    });
    this.#endpoints.set(one.endpoint, this.#fresh);
  }

  #appear(one: ActorAppearedRecord): void {
    const { chart, primed, actor, parent, id } = one;
    if (chart !== 'connection' && chart !== 'stream') return;
    if (primed === true) {
      this.#counts.unknownPast += 1;
      return;
    }
    if (chart === 'connection') {
      const endpoint = this.#fresh;
      if (endpoint === undefined) return;
      this.#fresh = undefined;
      endpoint.isReplayed = true;
      const traffic = newTraffic();
      const ref = this.#create(connectionMachine, id, endpoint.connectionInput(traffic));
      this.#actors.set(actor, { ref, name: id, traffic });
      this.#counts.connections += 1;
      return;
    }
    const supervisor = parent === undefined ? undefined : this.#actors.get(parent);
    const replayed = supervisor === undefined ? this.#orphan(one) : this.#spawned(one, supervisor);
    if (replayed === undefined) this.#counts.unknownPast += 1;
    else {
      this.#actors.set(actor, replayed);
      this.#counts.streams += 1;
    }
  }

  /** A stream that the replayed connection has spawned too. */
  #spawned({ id }: ActorAppearedRecord, supervisor: ReplayedActor): ReplayedActor {
    const made = this.#expect(childrenOf(supervisor.ref.sessionId), supervisor.name);
    const { actor } = made as ActorAppearedRecord;
    const children: Readonly<Record<string, AnyActorRef>> = supervisor.ref.getSnapshot().children;
    const ref = Object.values(children).find(({ sessionId }) => sessionId === actor);
    if (ref === undefined) this.#part(supervisor.name, `${id} was made`, `${id} was made and is over already`);
    return { ref, name: id, streamId: ref.id.slice(streamActorId('').length) };
  }

  /** Its connection was there before the recording. An executor's stream stands alone; a harness' one does not. */
  #orphan({ id }: ActorAppearedRecord): ReplayedActor | undefined {
    const { opening } = this.#arrivals;
    const endpoint = opening === undefined ? undefined : this.#endpoints.get(opening.endpoint);
    if (opening === undefined || endpoint?.role !== 'executor') return undefined;
    const { streamId } = opening.frame;
    if (shownName(streamActorId(streamId)) !== id) return undefined;
    const begun = endpoint.streamInput(opening.frame);
    if (begun === undefined) this.#part(id, `${id} was made`, 'the frame that came opens no stream');
    this.#orphans.add(streamId);
    const ref = this.#create(begun.machine, streamActorId(streamId), begun.input);
    this.#deeds.forget(childrenOf(this.#stage.sessionId));
    return { ref, name: id, streamId };
  }

  #create(machine: Parameters<typeof createActor>[0], id: string, input: unknown): AnyActorRef {
    const ref = createActor(machine, { id, input, clock: this.#clock, parent: this.#stage });
    // What it did in its making is told under its name in the replay, which is known only now.
    ref.start();
    return ref;
  }

  #receive(one: ActorReceivedRecord): void {
    const { event, source } = one;
    const actor = this.#actors.get(one.actor);
    const stream = typeof one.facts.stream === 'string' ? one.facts.stream : '';
    const first = () => this.#arrivals.first(stream);
    if (actor === undefined) {
      if (event === 'stream.arrived') first();
      return;
    }
    if (event === 'xstate.init') return;
    if (actor.traffic !== undefined) noteTraffic(actor.traffic, one);
    if (event.startsWith('xstate.after.')) {
      this.#fire(actor, event);
      return;
    }
    // What one replayed actor sends another, it sends here too.
    if (source !== undefined && this.#actors.has(source)) return;
    this.#counts.inputs += 1;
    const { streamId = '' } = actor;
    const batch = (count: number) => this.#arrivals.batch(streamId, count);
    actor.ref.send(eventOf(one, { batch, first }));
  }

  #fire({ ref, name }: ReplayedActor, event: string): void {
    const fired = this.#clock.fire(ref, event);
    this.#counts.inputs += 1;
    if (fired.kind === 'unarmed') this.#part(name, `${event} fired`, 'no such timer is armed');
    if (fired.kind === 'early') {
      this.#part(name, `${event} fired`, `that timer is due ${fired.byMs.toFixed(3)} ms later`);
    }
  }

  #noteSent(key: string, index: number): void {
    const sent = this.#sent.get(key);
    if (sent === undefined) this.#sent.set(key, { indexes: [index], next: 0 });
    else sent.indexes.push(index);
  }

  /** Frames have left: whoever moved them then told the connection that an answer is owed, before anything else happened. */
  #passOn(endpoint: number, streamId: string, count: number): void {
    const sent = this.#sent.get(framesOf(endpoint, streamId));
    if (sent === undefined) return;
    while ((sent.indexes[sent.next] ?? Number.POSITIVE_INFINITY) < this.#index) sent.next += 1;
    sent.next += count;
    const after = (sent.indexes[sent.next - 1] ?? Number.POSITIVE_INFINITY) + 1;
    const one = this.#lines[after]?.record;
    if (one?.type !== 'actor.received' || one.event !== 'answer.owed') return;
    this.#given.add(after);
    this.#receive(one);
  }

  #expectFrame(one: FrameRecord): void {
    const endpoint = this.#endpoints.get(one.endpoint);
    if (endpoint === undefined) return;
    // Whoever sent it had a life before.
    if (!endpoint.isReplayed && !this.#orphans.has(one.stream)) return;
    const key = framesOf(endpoint.number, one.stream);
    this.#expect(key, `frames of stream ${one.stream}`);
    this.#counts.frames += 1;
  }

  /** The recording says what somebody did: the replay has done the same. */
  #expect(key: string, where: string): ObservationRecord {
    const { record: recorded } = this.#line;
    const replayed = this.#deeds.next(key);
    if (replayed === undefined) this.#part(where, describe(recorded), 'nothing');
    const words = compare(recorded, replayed);
    if (words !== undefined) this.#part(where, words.recorded, words.replayed);
    return replayed;
  }

  #expectNothingMore(): void {
    this.#index = this.#lines.length - 1;
    const { rest } = this.#deeds;
    if (rest === undefined) return;
    const [key, left] = rest;
    const actor = [...this.#actors.values()].find(({ ref }) => ref.sessionId === key);
    this.#part(actor?.name ?? key, 'nothing more', describe(left));
  }

  #part(where: string, recorded: string, replayed: string): never {
    const { line, record: one } = this.#line;
    throw new Parted({ line, at: one.at, where, recorded, replayed });
  }

  #forget(): void {
    for (const { ref } of this.#actors.values()) this.#discard(ref);
    this.#actors.clear();
    this.#orphans.clear();
    for (const endpoint of this.#endpoints.values()) endpoint.isReplayed = false;
    this.#deeds.clear();
    this.#fresh = undefined;
  }

  #discard(ref: AnyActorRef): void {
    // Only whoever has no parent may be stopped from outside; these have one that knows nothing of them.
    const { system } = ref;
    system.scheduler.cancelAll(ref);
  }
}

function noteTraffic(traffic: Traffic, { facts }: ActorReceivedRecord): void {
  if (facts['traffic.heardAt'] === undefined) return;
  const owedSince = facts['traffic.owedSince'];
  traffic.heardAt = Number(facts['traffic.heardAt'] ?? 0);
  traffic.owedSince = typeof owedSince === 'number' ? owedSince : undefined;
  traffic.plainBytes = Number(facts['traffic.plainBytes'] ?? 0);
}
