/**
 * What an end does about each thing that can happen to a Noise stream, as tables (relay.md §7.3, §7.4). Decisions only:
 * the stream's chart has these states, src does the cryptography and asks the registry.
 *
 * Results of work that a stream waited for belong to that very attempt: an id may be used again at once after a reset,
 * and what comes late for the attempt before is not told here.
 */

/** Where a stream stands at an executor. */
export type ExecutorStanding =
  /** There is no such stream. */
  | 'none'
  /** Message 1 is being opened. */
  | 'handshaking'
  /** The registry is being asked, and after its yes message 2 is written; the peer may not send anything yet. */
  | 'authorising'
  | 'active';

/** What a frame is to a Noise stream; resume, ack and heartbeat are `control`. */
export type NoiseFrameKind = 'handshake' | 'data' | 'reset' | 'control';

export type ExecutorOccurrence =
  | NoiseFrameKind
  | 'handshake.opened'
  | 'handshake.failed'
  | 'authorisation.granted'
  /** Also: no answer within 10 s, an answer that is none, or too many asked already. */
  | 'authorisation.refused'
  /** The registry refuses the executor's own credential (HTTP 401). */
  | 'credential.refused'
  /** A bad record, order, framing or JSON, or a full queue. */
  | 'channel.failed'
  | 'session.ended';

export type ExecutorDuty =
  | 'open_handshake'
  | 'ask_registry'
  /** Message 2; the stream begins. */
  | 'answer_handshake'
  /** Message 2 that tells the harness why (§6.6); there is no stream afterwards. */
  | 'answer_rejection'
  | 'open_record'
  /** Send `reset` with the one reason there is. */
  | 'send_reset'
  /** Forget the attempt: its keys are wiped and what comes of it is ignored. */
  | 'abandon_attempt'
  | 'detach_session';

export interface ExecutorVerdict {
  readonly next: ExecutorStanding;
  /** In this order. */
  readonly duties: readonly ExecutorDuty[];
}

const stay = (next: ExecutorStanding): ExecutorVerdict => ({ next, duties: [] });
const abandon: ExecutorVerdict = { next: 'none', duties: ['abandon_attempt', 'send_reset'] };

/** What is not in a row cannot happen there, and would change nothing. */
const EXECUTOR: Readonly<Record<ExecutorStanding, Partial<Record<ExecutorOccurrence, ExecutorVerdict>>>> = {
  none: {
    handshake: { next: 'handshaking', duties: ['open_handshake'] },
    data: { next: 'none', duties: ['send_reset'] },
  },
  handshaking: {
    handshake: abandon,
    data: abandon,
    reset: { next: 'none', duties: ['abandon_attempt'] },
    'handshake.opened': { next: 'authorising', duties: ['ask_registry'] },
    'handshake.failed': abandon,
  },
  authorising: {
    handshake: abandon,
    data: abandon,
    reset: { next: 'none', duties: ['abandon_attempt'] },
    'authorisation.granted': { next: 'active', duties: ['answer_handshake'] },
    'authorisation.refused': abandon,
    'credential.refused': { next: 'none', duties: ['answer_rejection', 'abandon_attempt'] },
    // Message 2 could not be written: the harness sent a key to which nothing can be encapsulated.
    'handshake.failed': abandon,
  },
  active: {
    // Anybody on the way can send one. Releases answer with a reset, which kills the harness's side alone (W5).
    handshake: stay('active'),
    data: { next: 'active', duties: ['open_record'] },
    reset: { next: 'none', duties: ['detach_session'] },
    'channel.failed': { next: 'none', duties: ['send_reset', 'detach_session'] },
    'session.ended': { next: 'none', duties: ['send_reset'] },
  },
};

export function executorVerdict(standing: ExecutorStanding, occurrence: ExecutorOccurrence): ExecutorVerdict {
  return EXECUTOR[standing][occurrence] ?? stay(standing);
}

export interface NoiseAdmission {
  /** Streams of the socket that are not `none`; one handshake more is answered with reset. */
  readonly streams: number;
  /** Of them, those the registry is being asked about; with one more, that one is `authorisation.refused`. */
  readonly authorising: number;
}

/** What releases allow on one socket. */
export const defaultNoiseAdmission: NoiseAdmission = { streams: 128, authorising: 32 };

/** Whether one more stream may begin. */
export function admitsHandshake(now: NoiseAdmission, most: NoiseAdmission = defaultNoiseAdmission): boolean {
  return now.streams < most.streams;
}

/** Whether the registry may be asked about one more. */
export function admitsAuthorisation(now: NoiseAdmission, most: NoiseAdmission = defaultNoiseAdmission): boolean {
  return now.authorising < most.authorising;
}

/** Where a stream stands at a harness. */
export type HarnessStanding =
  /** Message 1 is sent. */
  | 'handshaking'
  /** Message 2 is there and being read; the executor may already send. */
  | 'finishing'
  | 'active';

/** Frames of other streams do not count: they are ignored before. */
export type HarnessOccurrence =
  | NoiseFrameKind
  /** A text message, or a frame that does not decode or is not valid. */
  | 'frame.rejected'
  | 'socket.closed';

export type HarnessVerdict =
  | 'ignore'
  | 'finish_handshake'
  /** Put it in order with the others, within the same bounds, and open none before the channel is there. */
  | 'hold_record'
  | 'open_record'
  /** The connection is over; the reason of a reset is anybody's, so none is told. A new one needs a new bundle. */
  | 'disconnect'
  /** The same, and the peer or somebody on the way is at fault. */
  | 'fail';

const HARNESS: Readonly<Record<HarnessStanding, Readonly<Record<HarnessOccurrence, HarnessVerdict>>>> = {
  handshaking: {
    handshake: 'finish_handshake',
    data: 'fail',
    reset: 'disconnect',
    control: 'ignore',
    'frame.rejected': 'fail',
    'socket.closed': 'disconnect',
  },
  finishing: {
    handshake: 'fail',
    data: 'hold_record',
    reset: 'disconnect',
    control: 'ignore',
    'frame.rejected': 'fail',
    'socket.closed': 'disconnect',
  },
  active: {
    handshake: 'fail',
    data: 'open_record',
    reset: 'disconnect',
    control: 'ignore',
    'frame.rejected': 'fail',
    'socket.closed': 'disconnect',
  },
};

export function harnessVerdict(standing: HarnessStanding, occurrence: HarnessOccurrence): HarnessVerdict {
  return HARNESS[standing][occurrence];
}
