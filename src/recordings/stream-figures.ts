/**
 * The figures of each stream of a recording: what went and came, what was sent again and why, how long the way was, how
 * full the window, and how long the chart stood where. Plain numbers; durations in milliseconds.
 */
import { Ladder } from '../observe/page/ladder.js';
import type {
  ActorChangedRecord,
  ActorReceivedRecord,
  FrameRecord,
  ObservationRecord,
  ResendCause,
} from '../observe/record.js';

export interface TrafficFigures {
  frames: number;
  /** Of payload, each time it was sent. */
  bytes: number;
  data: number;
}

export interface StreamFigures {
  readonly stream: string;
  /** As far as the chart was seen. */
  profile?: string;
  role?: string;
  readonly hadPast: boolean;
  /** From the first that is known of it to the last. */
  readonly seconds: number;
  readonly out: TrafficFigures;
  readonly in: TrafficFigures;
  /** Data frames that this end sent again, by cause. */
  readonly sentAgain: Readonly<Record<ResendCause, number>>;
  /** Data frames that came though they were there already. */
  readonly cameTwice: number;
  /** Times a frame came while one before it was missing. */
  readonly gaps: number;
  readonly roundTrip: RoundTripFigures | undefined;
  /** Segments under way, of those allowed. */
  readonly window: { readonly most: number; readonly mean: number; readonly of: number } | undefined;
  /** By state without child states. */
  readonly stateMs: Readonly<Record<string, number>>;
  readonly resets: readonly { readonly dir: 'in' | 'out'; readonly reason: string }[];
  readonly carriersLost: number;
  /** How its actor ended. */
  readonly end?: string;
}

export interface RoundTripFigures {
  readonly samples: number;
  readonly minMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** Samples kept of one stream; of more, a fair choice by their order. */
const MOST_SAMPLES = 100_000;

class Tally {
  readonly stream: string;
  profile: string | undefined;
  role: string | undefined;
  hadPast = false;
  readonly out: TrafficFigures = { frames: 0, bytes: 0, data: 0 };
  readonly in: TrafficFigures = { frames: 0, bytes: 0, data: 0 };
  readonly sentAgain = { passed: 0, late: 0, probe: 0, resumed: 0 };
  cameTwice = 0;
  gaps = 0;
  carriersLost = 0;
  end: string | undefined;
  readonly resets: { dir: 'in' | 'out'; reason: string }[] = [];
  readonly #ladder = new Ladder();
  readonly #samples: number[] = [];
  /** Every so manieth sample is kept. */
  #stride = 1;
  #sampled = 0;
  #lastSample = 0;
  #states: readonly string[] = [];
  readonly #stateMs = new Map<string, number>();
  #window: { inFlight: number; most: number; area: number; ms: number; of: number } | undefined;
  #stoodSince: number | undefined;
  #from: number | undefined;
  #to = 0;

  constructor(stream: string) {
    this.stream = stream;
  }

  frame(record: FrameRecord): void {
    this.#touch(record.at);
    const { dir, kind, bytes = 0, cause, reason } = record;
    const traffic = this[dir];
    traffic.frames += 1;
    traffic.bytes += bytes;
    if (kind === 'data') traffic.data += 1;
    if (kind === 'reset') this.resets.push({ dir, reason: reason ?? '' });
    if (cause !== undefined) this.sentAgain[cause] += 1;
    this.#ladder.take(record, 0);
    const rung = this.#ladder.rows.pop();
    if (rung?.kind === 'twice') this.cameTwice += 1;
    if (rung?.kind === 'gap') this.gaps += 1;
  }

  stand(at: number, states: readonly string[], facts: ActorChangedRecord['facts']): void {
    this.#touch(at);
    this.#rest(at);
    this.#states = states;
    if (typeof facts.profile === 'string') this.profile = facts.profile;
    if (typeof facts.role === 'string') this.role = facts.role;
    this.#sample(Number(facts['roundTrip.samples'] ?? 0), Number(facts['roundTrip.latestMs'] ?? 0));
    const inFlight = Number(facts['send.inFlight'] ?? 0);
    this.#window ??= { inFlight: 0, most: 0, area: 0, ms: 0, of: 0 };
    this.#window.inFlight = inFlight;
    this.#window.most = Math.max(this.#window.most, inFlight);
    this.#window.of = Number(facts['send.windowSegments'] ?? 0);
  }

  finish(at: number, status: string): void {
    this.#touch(at);
    this.#rest(at);
    this.#stoodSince = undefined;
    this.end = status;
  }

  figures(lastAt: number): StreamFigures {
    if (this.#stoodSince !== undefined) {
      this.#touch(lastAt);
      this.#rest(lastAt);
    }
    const { stream, profile, role, hadPast, out, sentAgain, cameTwice, gaps, resets, carriersLost, end } = this;
    const window = this.#window;
    const isReliable = profile === 'reliable';
    return {
      stream,
      ...(profile === undefined ? {} : { profile }),
      ...(role === undefined ? {} : { role }),
      hadPast,
      seconds: (this.#to - (this.#from ?? this.#to)) / 1000,
      out,
      in: this.in,
      sentAgain,
      cameTwice,
      gaps,
      roundTrip: this.#roundTrip(),
      window:
        window === undefined || !isReliable
          ? undefined
          : { most: window.most, mean: window.ms === 0 ? window.inFlight : window.area / window.ms, of: window.of },
      stateMs: Object.fromEntries([...this.#stateMs].sort(([, one], [, other]) => other - one)),
      resets,
      carriersLost,
      ...(end === undefined ? {} : { end }),
    };
  }

  #touch(at: number): void {
    this.#from ??= at;
    this.#to = Math.max(this.#to, at);
  }

  /** It stood as it was told last until now. */
  #rest(at: number): void {
    const ms = at - (this.#stoodSince ?? at);
    this.#stoodSince = at;
    for (const state of this.#states) this.#stateMs.set(state, (this.#stateMs.get(state) ?? 0) + ms);
    if (this.#window === undefined) return;
    this.#window.ms += ms;
    this.#window.area += ms * this.#window.inFlight;
  }

  #sample(samples: number, latestMs: number): void {
    if (samples === this.#lastSample || samples === 0) {
      this.#lastSample = samples;
      return;
    }
    this.#lastSample = samples;
    this.#sampled += 1;
    if (this.#sampled % this.#stride !== 0) return;
    this.#samples.push(latestMs);
    if (this.#samples.length < MOST_SAMPLES) return;
    this.#stride *= 2;
    const half = this.#samples.filter((_, index) => index % 2 === 1);
    this.#samples.splice(0, this.#samples.length, ...half);
  }

  #roundTrip(): RoundTripFigures | undefined {
    if (this.#samples.length === 0) return undefined;
    const sorted = [...this.#samples].sort((one, other) => one - other);
    const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? 0;
    const figures = { minMs: at(0.000001), p50Ms: at(0.5), p99Ms: at(0.99), maxMs: sorted.at(-1) ?? 0 };
    return { samples: this.#sampled, ...figures };
  }
}

export class RecordingFigures {
  readonly #tallies = new Map<string, Tally>();
  readonly #streamOf = new Map<string, string>();
  #lastAt = 0;

  take(record: ObservationRecord): void {
    this.#lastAt = Math.max(this.#lastAt, record.at);
    switch (record.type) {
      case 'actor.appeared': {
        const { actor, id, chart, primed, at, states, facts } = record;
        if (chart !== 'stream') return;
        const stream = id.slice('stream:'.length);
        this.#streamOf.set(actor, stream);
        const tally = this.#tally(stream);
        tally.hadPast ||= primed === true;
        if (states.length > 0) tally.stand(at, states, facts);
        return;
      }
      case 'actor.changed': {
        const stream = this.#streamOf.get(record.actor);
        if (stream !== undefined) this.#tally(stream).stand(record.at, record.states, record.facts);
        return;
      }
      case 'actor.ended': {
        const stream = this.#streamOf.get(record.actor);
        if (stream === undefined) return;
        const tally = this.#tally(stream);
        const [state = ''] = record.states;
        tally.finish(record.at, record.status === 'done' ? state.replace(/^stream\./, '') : record.status);
        this.#streamOf.delete(record.actor);
        return;
      }
      case 'actor.received':
        this.#receive(record);
        return;
      case 'frame':
        this.#tally(record.stream).frame(record);
    }
  }

  get streams(): StreamFigures[] {
    return [...this.#tallies.values()].map((tally) => tally.figures(this.#lastAt));
  }

  #receive({ actor, event }: ActorReceivedRecord): void {
    const stream = this.#streamOf.get(actor);
    if (event === 'carrier.lost' && stream !== undefined) this.#tally(stream).carriersLost += 1;
  }

  #tally(stream: string): Tally {
    let tally = this.#tallies.get(stream);
    if (tally === undefined) {
      tally = new Tally(stream);
      this.#tallies.set(stream, tally);
    }
    return tally;
  }
}
