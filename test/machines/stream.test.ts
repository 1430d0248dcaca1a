import { describe, expect, it } from 'vitest';
import { getAdjacencyMap } from 'xstate/graph';
import { emptyReceiveWindow } from '../../machines/protocol/receive-window.js';
import { emptySendWindow } from '../../machines/protocol/send-window.js';
import { LAST_RELIABLE_SEQ } from '../../machines/protocol/sequence.js';
import { streamMachine } from '../../machines/stream.machine.js';
import { defaultStreamTiming, type StreamEvent, type StreamInput } from '../../machines/stream-types.js';
import { plainFrame } from '../../proto/frame.js';
import { defaultLimits } from '../../proto/limits.js';
import { activePaths, allStates, unnamedParts } from './charts.js';
import { announcing, LoneStream, numbers, peer, release, STREAM_ID } from './lone-stream.js';

/** Has sent one segment and got its acknowledgement 40 ms later: the probe delay is 40 + 4·20 + 25 = 145 ms. */
function measured(options: ConstructorParameters<typeof LoneStream>[0] = {}): LoneStream {
  const stream = new LoneStream(options);
  stream.flush('first');
  stream.clock.advance(40);
  stream.receive(peer.ack(1));
  stream.sent();
  return stream;
}
const PROBE_MS = 145;
/** 9/8 of 40 ms. */
const LOSS_MS = 45;

const reset = (reason: string, initiator: 'local' | 'peer') => ({
  streamId: STREAM_ID,
  kind: 'reset',
  reason,
  initiator,
});
const closed = { streamId: STREAM_ID, kind: 'closed', reason: 'stream_closed', initiator: 'local' };

describe('R4: a harness that does not know its peer', () => {
  it('announces itself at once, and again with growing waits until it is answered', () => {
    const stream = announcing();
    expect(stream.sent()).toEqual(['resume 1']);
    expect(stream.sentWithin(999)).toEqual([]);
    expect(stream.sentWithin(1)).toEqual(['resume 1']);
    expect(stream.sentWithin(1999)).toEqual([]);
    expect(stream.sentWithin(1)).toEqual(['resume 1']);
    expect(stream.sentWithin(4000 + 8000)).toEqual(['resume 1', 'resume 1']);
    expect(stream.sentWithin(10_000 + 10_000)).toEqual(['resume 1', 'resume 1']);
    stream.receive(peer.ack(0));
    expect(stream.is('reliable')).toBe(true);
    expect(stream.sentWithin(60_000)).toEqual([]);
  });

  it('R5: numbers and sends what it is given meanwhile, whole and once', () => {
    const stream = announcing();
    stream.sent();
    stream.flush('a', 200_000);
    expect(stream.sent()).toEqual([`data 1 'a'`, 'data 2 200000 bytes']);
    // Nothing of it is known to have arrived, so all of it would be sent again.
    expect(stream.sentWithin(1000)).toEqual(['resume 1']);
    expect(stream.sentWithin(60_000).filter((frame) => frame.includes('data'))).toEqual([]);
  });

  it('sends again what was lost, once its peer is known to take it only once', () => {
    const stream = announcing();
    stream.flush('a', 'b');
    stream.clock.advance(500);
    stream.sent();
    stream.receive(peer.ack(0, 0b10));
    expect(stream.is({ reliable: { sending: 'inFlight' } })).toBe(true);
    // One round trip was measured, 500 ms, so seq 1 counts as lost 562.5 ms after it left.
    expect(stream.sentWithin(62)).toEqual([]);
    expect(stream.sentWithin(1)).toEqual([`again data 1 'a'`]);
    expect(stream.causes).toEqual(['late']);
  });

  it('cuts what still waits when the peer is known, and not what was queued whole', () => {
    const stream = announcing();
    stream.flush(1_500_000, 1_000_000);
    expect(stream.sent()).toEqual(['resume 1', 'data 1 1500000 bytes']);
    expect(stream.backlogs).toEqual([1_000_000]);
    stream.receive(peer.ack(1));
    stream.flush(100_000);
    expect(stream.sent()).toEqual(['data 2 1000000 bytes', 'data 3 0/2 61440 bytes', 'data 4 1/2 38560 bytes']);
    expect(stream.backlogs).toEqual([1_000_000, 0]);
  });

  it('keeps no more than 2 MiB under way, whole messages or not', () => {
    const stream = announcing();
    stream.flush(1_048_576, 1_048_576, 1);
    expect(stream.sent()).toEqual(['resume 1', 'data 1 1048576 bytes', 'data 2 1048576 bytes']);
    expect(stream.backlogs).toEqual([1]);
    stream.receive(peer.ack(1));
    expect(stream.sent()).toEqual([`data 3 '.'`]);
  });

  it('speaks cleartext to a release, which has taken what it was sent', () => {
    const stream = announcing();
    stream.flush(...numbers(1, 33).map((n) => `m${n}`));
    stream.sent();
    expect(stream.backlogs).toEqual([3]);
    stream.receive(release.data(0, 'answer'));
    expect(stream.is('cleartext')).toBe(true);
    // Only what no frame carried yet leaves, numbered on.
    expect(stream.sent()).toEqual([`plain data 33 'm33'`]);
    expect(stream.delivered).toEqual(['answer']);
    expect(stream.backlogs).toEqual([3, 0]);
    stream.flush('next');
    expect(stream.sentWithin(600_000)).toEqual([`plain data 34 'next'`]);
  });

  it('hears from a release that was sent nothing yet', () => {
    const stream = announcing();
    stream.receive(release.data(0, 'hello'));
    stream.sent();
    stream.flush('a');
    expect(stream.sent()).toEqual([`plain data 1 'a'`]);
  });

  it('takes the reset of a rendezvous for the end', () => {
    const stream = announcing();
    stream.sent();
    stream.receive(release.reset('environment_offline'));
    expect(stream.end).toEqual(reset('environment_offline', 'peer'));
    expect(stream.sentWithin(60_000)).toEqual([]);
  });

  it('says that it goes, though nobody answered', () => {
    const stream = announcing();
    stream.sent();
    stream.actor.send({ type: 'stream.close' });
    expect(stream.end).toEqual(closed);
    expect(stream.sentWithin(60_000)).toEqual(['reset stream_closed']);
  });

  it('tells its peer from the start when its reader has enough', () => {
    const stream = announcing();
    stream.sent();
    stream.actor.send({ type: 'reader.paused' });
    stream.flush('a');
    expect(stream.sent()).toEqual([`data 1 'a' window 0`]);
    stream.receive(peer.ack(1));
    expect(stream.is({ reliable: { reading: 'refusing' } })).toBe(true);
    stream.sent();
    stream.actor.send({ type: 'reader.resumed' });
    expect(stream.sent()).toEqual(['ack 0']);
  });

  it('may change its mind about its reader before it is answered', () => {
    const stream = announcing();
    stream.actor.send({ type: 'reader.paused' });
    stream.actor.send({ type: 'reader.resumed' });
    stream.receive(peer.ack(0));
    expect(stream.is({ reliable: { reading: 'taking' } })).toBe(true);
  });
});

describe('R6: an executor', () => {
  it('answers resume with its capability, each time it is asked', () => {
    const stream = new LoneStream({ role: 'executor' });
    stream.receive(peer.resume(1));
    expect(stream.sent()).toEqual(['ack 0']);
    stream.receive(peer.resume(1));
    expect(stream.sentWithin(60_000)).toEqual(['ack 0']);
  });

  it('announces nothing by itself', () => {
    expect(new LoneStream({ role: 'executor' }).sentWithin(60_000)).toEqual([]);
  });

  it('lets an answer that carries data be the answer to resume', () => {
    const stream = new LoneStream({ role: 'executor' });
    stream.flush(...numbers(1, 33).map(String));
    stream.sent();
    stream.receive(peer.resume(1, { ack: 1 }));
    expect(stream.sent()).toEqual([`data 33 '33'`]);
  });
});

describe('a harness whose executor has a new carrier', () => {
  it('answers its resume, and sends at once what left before', () => {
    const stream = new LoneStream({ role: 'harness' });
    stream.flush('a');
    stream.clock.advance(10);
    stream.flush('b');
    stream.sent();
    stream.receive(peer.resume(1));
    // Unmeasured: only what leaves in this very turn is spared.
    expect(stream.sent()).toEqual([`again data 1 'a'`]);
    stream.receive(peer.ack(2), peer.resume(1, { ack: 2 }));
    expect(stream.sentWithin(60_000)).toEqual(['ack 0']);
  });
});

describe('R21: an acknowledgement', () => {
  it('of one segment waits 25 ms for something to ride on', () => {
    const stream = new LoneStream();
    stream.receive(peer.data(1));
    expect(stream.is({ reliable: { acking: 'delayed' } })).toBe(true);
    expect(stream.sentWithin(24)).toEqual([]);
    expect(stream.sentWithin(1)).toEqual(['ack 1']);
    expect(stream.sentWithin(60_000)).toEqual([]);
  });

  it('rides on data, and then not alone', () => {
    const stream = new LoneStream();
    stream.receive(peer.data(1));
    stream.flush('answer');
    expect(stream.sent()).toEqual([`data 1 'answer' ack 1`]);
    expect(stream.is({ reliable: { acking: 'quiet' } })).toBe(true);
    expect(stream.sentWithin(500)).toEqual([]);
  });

  it('of two segments waits one turn, for the answer that may carry it', () => {
    const stream = new LoneStream();
    stream.receive(peer.data(1), peer.data(2));
    expect(stream.is({ reliable: { acking: 'due' } })).toBe(true);
    expect(stream.sent()).toEqual([]);
    expect(stream.sentWithin(1)).toEqual(['ack 2']);
    stream.receive(peer.data(3), peer.data(4));
    stream.flush('answer');
    expect(stream.sentWithin(500)).toEqual([`data 1 'answer' ack 4`]);
  });

  it('is due when the second segment comes in another turn', () => {
    const stream = new LoneStream();
    stream.receive(peer.data(1));
    stream.clock.advance(10);
    stream.receive(peer.data(2));
    expect(stream.sentWithin(1)).toEqual(['ack 2']);
    expect(stream.sentWithin(60_000)).toEqual([]);
  });

  it('tells a gap at once, each segment beyond it too, and that it is filled', () => {
    const stream = new LoneStream();
    stream.receive(peer.data(2));
    expect(stream.sent()).toEqual(['ack 0+10']);
    expect(stream.is({ reliable: { receiving: 'gapped' } })).toBe(true);
    stream.receive(peer.data(4));
    expect(stream.sent()).toEqual(['ack 0+1010']);
    stream.receive(peer.data(1));
    expect(stream.sent()).toEqual(['ack 2+10']);
    stream.receive(peer.data(3));
    expect(stream.sent()).toEqual(['ack 4']);
    expect(stream.is({ reliable: { receiving: 'inOrder' } })).toBe(true);
    expect(stream.delivered).toEqual(['m1', 'm2', 'm3', 'm4']);
    expect(stream.sentWithin(60_000)).toEqual([]);
  });

  it('tells a duplicate at once, of which nothing is delivered', () => {
    const stream = new LoneStream();
    stream.receive(peer.data(1));
    stream.receive(peer.data(1));
    expect(stream.sentWithin(60_000)).toEqual(['ack 1']);
    expect(stream.delivered).toEqual(['m1']);
    expect(stream.actor.getSnapshot().context.counters).toMatchObject({ framesReceived: 2, duplicates: 1 });
  });

  it('provokes none, even across a gap', () => {
    const stream = new LoneStream();
    stream.flush('a', 'b');
    stream.receive(peer.data(2));
    stream.sent();
    stream.receive(peer.ack(1), peer.ack(2));
    expect(stream.sentWithin(60_000)).toEqual([]);
  });

  it('may be asked for with a heartbeat', () => {
    const stream = new LoneStream({ role: 'harness' });
    stream.receive(peer.data(1), peer.heartbeat());
    expect(stream.sentWithin(60_000)).toEqual(['ack 1']);
  });

  it('from nobody who speaks the profile counts for nothing', () => {
    const stream = new LoneStream();
    stream.flush('a');
    stream.sent();
    stream.receive({ ...plainFrame(STREAM_ID, { kind: 'ack' }), ack: 1 }, release.data(1));
    expect(stream.is({ reliable: { sending: 'inFlight' } })).toBe(true);
    expect(stream.delivered).toEqual([]);
  });
});

describe('the send window', () => {
  it('R27: is full at 32 segments; the source is told how much waits, and when it leaves', () => {
    const stream = new LoneStream();
    stream.flush(...numbers(1, 35).map((n) => `m${n}`));
    expect(stream.sent()).toHaveLength(32);
    expect(stream.is({ reliable: { sending: { inFlight: 'windowFull' } } })).toBe(true);
    expect(stream.backlogs).toEqual([9]);
    stream.receive(peer.ack(2));
    expect(stream.sent()).toEqual([`data 33 'm33'`, `data 34 'm34'`]);
    expect(stream.backlogs).toEqual([9, 3]);
    stream.receive(peer.ack(3));
    expect(stream.backlogs).toEqual([9, 3, 0]);
    expect(stream.is({ reliable: { sending: { inFlight: 'flowing' } } })).toBe(true);
    stream.receive(peer.ack(35));
    expect(stream.is({ reliable: { sending: 'idle' } })).toBe(true);
    expect(stream.sentWithin(60_000)).toEqual([`data 35 'm35'`]);
  });

  it('says nothing of a backlog that never was', () => {
    const stream = new LoneStream();
    stream.flush('a');
    stream.receive(peer.ack(1));
    expect(stream.backlogs).toEqual([]);
  });

  it('cuts messages into segments of 60 KiB', () => {
    const stream = new LoneStream();
    stream.flush(130_000, 'x');
    expect(stream.sent()).toEqual([
      'data 1 0/3 61440 bytes',
      'data 2 1/3 61440 bytes',
      'data 3 2/3 7120 bytes',
      `data 4 'x'`,
    ]);
  });

  it('puts together what was cut at the other end', () => {
    const stream = new LoneStream();
    stream.receive(
      peer.data(2, { text: 'lo', index: 1, count: 2 }),
      peer.data(1, { text: 'hel', index: 0, count: 2 }),
      peer.data(3, { text: 'x' }),
    );
    expect(stream.delivered).toEqual(['hello', 'x']);
  });

  it('is closed by a peer that takes nothing, which is asked again until it does', () => {
    const stream = measured();
    stream.receive(peer.ack(1, 0, { window: 0 }));
    stream.flush('a');
    expect(stream.sent()).toEqual([]);
    expect(stream.backlogs).toEqual([1]);
    expect(stream.is({ reliable: { sending: 'heldBack' } })).toBe(true);
    expect(stream.sentWithin(PROBE_MS)).toEqual(['heartbeat']);
    expect(stream.sentWithin(2 * PROBE_MS)).toEqual(['heartbeat']);
    expect(stream.sentWithin(4 * PROBE_MS)).toEqual(['heartbeat']);
    stream.receive(peer.ack(1, 0, { window: 1 }));
    expect(stream.sent()).toEqual([`data 2 'a'`]);
    expect(stream.backlogs).toEqual([1, 0]);
    stream.receive(peer.ack(2));
    expect(stream.is({ reliable: { sending: 'idle' } })).toBe(true);
  });

  it('asks no less often than every ten seconds', () => {
    const stream = measured();
    stream.receive(peer.ack(1, 0, { window: 0 }));
    stream.flush('a');
    stream.clock.advance(60_000);
    stream.sent();
    expect(stream.sentWithin(100_000)).toHaveLength(10);
  });

  it('never opens for a word that was overtaken by a newer one', () => {
    const stream = new LoneStream();
    stream.flush('a', 'b');
    stream.receive(peer.ack(2, 0, { window: 0 }), peer.ack(1));
    stream.sent();
    stream.flush('c');
    expect(stream.sent()).toEqual([]);
  });

  it('never opens wider than ours', () => {
    const stream = new LoneStream();
    stream.receive(peer.ack(0, 0, { window: 4000 }));
    stream.flush(...numbers(1, 40).map(String));
    expect(stream.sent()).toHaveLength(32);
  });
});

describe('R28: a reader that has enough', () => {
  it('closes the window at once, with every frame, until it wants more', () => {
    const stream = new LoneStream();
    stream.receive(peer.data(1));
    stream.actor.send({ type: 'reader.paused' });
    expect(stream.sent()).toEqual(['ack 1 window 0']);
    stream.receive(peer.data(2));
    stream.flush('a');
    expect(stream.delivered).toEqual(['m1', 'm2']);
    expect(stream.sent()).toEqual([`data 1 'a' ack 2 window 0`]);
    stream.actor.send({ type: 'reader.resumed' });
    expect(stream.sent()).toEqual(['ack 2']);
    expect(stream.reading).toEqual([]);
  });

  it('R10: of a release stops the socket, and lets go of it when the stream ends', () => {
    const stream = new LoneStream({ profile: 'cleartext' });
    expect(stream.reading).toEqual([true]);
    stream.actor.send({ type: 'reader.paused' });
    stream.actor.send({ type: 'reader.resumed' });
    stream.actor.send({ type: 'reader.paused' });
    expect(stream.reading).toEqual([true, false, true, false]);
    stream.actor.send({ type: 'carrier.lost' });
    expect(stream.reading.at(-1)).toBe(true);
    expect(stream.sent()).toEqual([]);
  });
});

describe('what is not acknowledged', () => {
  it('R22: is sent again at once when three later segments were acknowledged', () => {
    const stream = measured();
    stream.flush('a', 'b', 'c', 'd');
    stream.sent();
    stream.receive(peer.ack(1, 0b110));
    expect(stream.sent()).toEqual([]);
    stream.receive(peer.ack(1, 0b1110));
    expect(stream.sent()).toEqual([`again data 2 'a'`]);
    expect(stream.causes).toEqual(['passed']);
    expect(stream.actor.getSnapshot().context.counters).toMatchObject({ retransmitted: 1, probes: 0 });
  });

  it('R23: is sent again 9/8 of a round trip after it left, once a later one was acknowledged', () => {
    const stream = measured();
    stream.flush('a', 'b');
    stream.clock.advance(20);
    stream.receive(peer.ack(1, 0b10));
    stream.sent();
    // The latest sample, 20 ms, lowers the smoothed round trip to 37.5.
    const lossMs = 37.5 * 1.125;
    expect(stream.sentWithin(lossMs - 20 - 0.01)).toEqual([]);
    expect(stream.sentWithin(0.02)).toEqual([`again data 2 'a'`]);
    expect(stream.causes).toEqual(['late']);
    expect(stream.actor.getSnapshot().context.counters).toMatchObject({ retransmitted: 1, probes: 0 });
  });

  it('R24: is probed for when nothing at all is heard, with doubling waits of at most ten seconds', () => {
    const stream = measured();
    stream.flush('a', 'b');
    stream.sent();
    expect(stream.sentWithin(PROBE_MS - 1)).toEqual([]);
    expect(stream.sentWithin(1)).toEqual([`again data 2 'a'`]);
    expect(stream.is({ reliable: { sending: { inFlight: 'probing' } } })).toBe(true);
    for (const doubled of [2, 4, 8, 16, 32, 64]) {
      expect(stream.sentWithin(doubled * PROBE_MS - 1)).toEqual([]);
      expect(stream.sentWithin(1)).toEqual([`again data 2 'a'`]);
    }
    expect(stream.sentWithin(9_999)).toEqual([]);
    expect(stream.sentWithin(100_001)).toHaveLength(11);
    expect(new Set(stream.causes)).toEqual(new Set(['probe']));
  });

  it('is probed for with jitter, so that streams do not probe in step', () => {
    const stream = measured({ random: () => 0.8 });
    stream.flush('a');
    stream.sent();
    expect(stream.sentWithin(PROBE_MS)).toHaveLength(1);
    expect(stream.sentWithin(2 * PROBE_MS * 1.2 - 1)).toEqual([]);
    expect(stream.sentWithin(2)).toHaveLength(1);
  });

  it('is probed for after a second while no round trip was measured', () => {
    const stream = new LoneStream();
    stream.flush('a');
    stream.sent();
    expect(stream.sentWithin(999)).toEqual([]);
    expect(stream.sentWithin(1)).toEqual([`again data 1 'a'`]);
  });

  it('starts with small waits again when the peer answers', () => {
    const stream = measured();
    stream.flush('a', 'b');
    stream.clock.advance(PROBE_MS * 3);
    stream.sent();
    stream.receive(peer.ack(2));
    expect(stream.is({ reliable: { sending: { inFlight: 'flowing' } } })).toBe(true);
    // What left before the probe that was answered is late; no sample came from what was sent again.
    expect(stream.sent()).toEqual([`again data 3 'b'`]);
    expect(stream.sentWithin(PROBE_MS - 1)).toEqual([]);
    expect(stream.sentWithin(1)).toEqual([`again data 3 'b'`]);
    expect(stream.causes.slice(-2)).toEqual(['late', 'probe']);
  });

  it('leaves the timer where it is for what is sent later, and moves it on when it fires', () => {
    const stream = measured();
    stream.flush('a');
    stream.clock.advance(100);
    stream.flush('b');
    stream.sent();
    expect(stream.sentWithin(PROBE_MS - 1)).toEqual([]);
    expect(stream.sentWithin(1)).toEqual([`again data 2 'a'`]);
  });

  it('keeps no timer when there is nothing any more', () => {
    const stream = measured();
    stream.flush('a');
    stream.receive(peer.ack(2));
    expect(stream.clock.pending()).toEqual([]);
  });

  it('is sent again with the same bytes, and with the newest acknowledgement', () => {
    const stream = measured();
    stream.flush(100_000, 'b');
    expect(stream.sent()[0]).toBe('data 2 0/2 61440 bytes');
    stream.receive(peer.data(1));
    stream.clock.advance(25);
    stream.sent();
    stream.clock.advance(PROBE_MS - 25);
    expect(stream.sent()).toEqual(['again data 2 0/2 61440 bytes ack 1']);
    const [first, again] = stream.bytesSent.filter(({ seq }) => seq === 2);
    expect(again?.bytes).toBe(first?.bytes);
  });

  it('R25: is not blamed on the peer when this end slept past its own timer', () => {
    let late = 0;
    const stream = measured({ oversleep: () => late });
    late = LOSS_MS + 1;
    stream.flush('a');
    stream.sent();
    expect(stream.sentWithin(PROBE_MS + late)).toEqual([]);
    expect(stream.is({ reliable: { sending: { inFlight: 'waking' } } })).toBe(true);
    // The acknowledgement was in the socket all the time.
    stream.receive(peer.ack(2));
    expect(stream.sentWithin(60_000)).toEqual([]);
  });

  it('is sent again one turn after this end slept, if the socket had nothing', () => {
    let late = 0;
    const stream = measured({ oversleep: () => late });
    late = 10_000;
    stream.flush('a');
    stream.sent();
    stream.clock.advance(PROBE_MS + late);
    late = 0;
    expect(stream.sentWithin(late + 10_001)).toContain(`again data 2 'a'`);
  });

  it('is sent again when the timer fired only a little late', () => {
    let late = 0;
    const stream = measured({ oversleep: () => late });
    late = LOSS_MS;
    stream.flush('a');
    stream.sent();
    expect(stream.sentWithin(PROBE_MS + late)).toEqual([`again data 2 'a'`]);
  });
});

describe('R1: a peer that breaks the contract', () => {
  it.each([
    ['acknowledges what was never sent', peer.ack(1), 'ack_of_unsent'],
    ['numbers a segment 0', peer.data(0), 'seq_zero'],
    ['sends beyond the window', peer.data(33), 'seq_beyond_window'],
    ['starts a message in its middle', peer.data(1, { index: 1, count: 2 }), 'segment_facts_contradictory'],
    ['promises a message of too many segments', peer.data(1, { count: 16_385 }), 'message_oversized'],
  ])('%s, and is told so', (_name, frame, reason) => {
    const stream = new LoneStream();
    stream.receive(frame);
    expect(stream.end).toEqual(reset(reason, 'local'));
    expect(stream.sentWithin(60_000)).toEqual([`reset ${reason}`]);
    expect(stream.clock.pending()).toEqual([]);
  });

  it('contradicts an earlier segment of the same message', () => {
    const stream = new LoneStream();
    stream.receive(peer.data(1, { index: 0, count: 3 }));
    stream.receive(peer.data(2, { index: 1, count: 2 }));
    expect(stream.end).toEqual(reset('segment_facts_contradictory', 'local'));
  });

  it('is heard up to its mistake; nothing is sent after it but the reset', () => {
    const stream = new LoneStream();
    stream.flush(...numbers(1, 33).map(String));
    stream.sent();
    stream.receive(peer.data(1, { ack: 1 }), peer.data(0), peer.data(2));
    expect(stream.delivered).toEqual(['m1']);
    expect(stream.sent()).toEqual(['reset seq_zero ack 1']);
  });

  it('has a frame rejected before it comes here', () => {
    const stream = new LoneStream();
    stream.actor.send({ type: 'frame.rejected', reason: 'frame_payload_empty' });
    expect(stream.end).toEqual(reset('frame_payload_empty', 'local'));
    expect(stream.sent()).toEqual(['reset frame_payload_empty']);
  });
});

describe('the end', () => {
  it('R36: comes with the reset of the peer, after what came before it, and is not answered', () => {
    const stream = new LoneStream();
    stream.flush(...numbers(1, 33).map(String));
    stream.sent();
    stream.receive(peer.data(1, { ack: 1 }), peer.reset('bye', { ack: 1 }), peer.data(2));
    expect(stream.delivered).toEqual(['m1']);
    expect(stream.end).toEqual(reset('bye', 'peer'));
    expect(stream.sentWithin(60_000)).toEqual([]);
    expect(stream.clock.pending()).toEqual([]);
  });

  it('comes with the reset of a rendezvous, which speaks no profile', () => {
    const stream = new LoneStream();
    stream.receive(release.reset('executor_gone'));
    expect(stream.end).toEqual(reset('executor_gone', 'peer'));
  });

  it('is told to the peer when this end resets', () => {
    const stream = new LoneStream();
    stream.receive(peer.data(1));
    stream.actor.send({ type: 'stream.reset', reason: 'queue_full' });
    expect(stream.end).toEqual(reset('queue_full', 'local'));
    expect(stream.sent()).toEqual(['reset queue_full ack 1']);
  });

  it('R35: waits for acknowledgements when this end closes, then is told', () => {
    const stream = measured();
    stream.flush(...numbers(2, 34).map((n) => `m${n}`));
    stream.sent();
    stream.actor.send({ type: 'stream.close' });
    expect(stream.is({ reliable: { ending: 'draining' } })).toBe(true);
    stream.receive(peer.ack(2));
    expect(stream.sent()).toEqual([`data 34 'm34'`]);
    stream.receive(peer.ack(33), peer.data(1, { ack: 33 }));
    expect(stream.delivered).toEqual(['m1']);
    expect(stream.end).toBeUndefined();
    stream.receive(peer.ack(34));
    expect(stream.end).toEqual(closed);
    expect(stream.sent()).toEqual(['reset stream_closed ack 1']);
    expect(stream.clock.pending()).toEqual([]);
  });

  it('comes at once when this end closes and nothing is under way', () => {
    const stream = new LoneStream();
    stream.actor.send({ type: 'stream.close' });
    expect(stream.end).toEqual(closed);
    expect(stream.sent()).toEqual(['reset stream_closed']);
  });

  it('waits two seconds for a peer that is silent, and still sends again meanwhile', () => {
    const stream = measured();
    stream.flush('a');
    stream.actor.send({ type: 'stream.close' });
    stream.sent();
    expect(stream.sentWithin(1999)).toContain(`again data 2 'a'`);
    expect(stream.end).toBeUndefined();
    expect(stream.sentWithin(1)).toEqual(['reset stream_closed']);
    expect(stream.end).toEqual(closed);
    expect(stream.clock.pending()).toEqual([]);
  });

  it('comes with the loss of the carrier where the peer is a release or unknown; nothing can be said to it', () => {
    for (const stream of [new LoneStream({ profile: 'cleartext' }), announcing()]) {
      stream.flush('a');
      stream.sent();
      stream.actor.send({ type: 'carrier.lost' });
      expect(stream.end).toEqual(reset('carrier_lost', 'local'));
      expect(stream.sentWithin(60_000)).toEqual([]);
      expect(stream.clock.pending()).toEqual([]);
    }
  });

  it('comes when the numbers of the peer are used up', () => {
    const stream = new LoneStream({ memory: { receive: { ...emptyReceiveWindow, ack: LAST_RELIABLE_SEQ - 2 } } });
    stream.receive(peer.data(LAST_RELIABLE_SEQ - 1, { text: 'last' }), peer.data(LAST_RELIABLE_SEQ));
    expect(stream.delivered).toEqual(['last']);
    expect(stream.end).toEqual(reset('seq_exhausted', 'local'));
  });

  it('comes when the numbers of this end are used up, at once or when the window opens', () => {
    const near = (inFlight: number): LoneStream => {
      const nextSeq = LAST_RELIABLE_SEQ - 32;
      const stream = new LoneStream({ memory: { send: { ...emptySendWindow, nextSeq, peerAck: nextSeq - 1 } } });
      stream.flush(...numbers(1, inFlight).map(String));
      return stream;
    };
    const fits = near(32);
    expect(fits.sent().at(-1)).toBe(`data ${LAST_RELIABLE_SEQ - 1} '32'`);
    expect(fits.end).toBeUndefined();
    fits.flush('one too many');
    expect(fits.end).toEqual(reset('seq_exhausted', 'local'));
    const waiting = new LoneStream({
      memory: {
        send: { ...emptySendWindow, nextSeq: LAST_RELIABLE_SEQ - 1, peerAck: LAST_RELIABLE_SEQ - 2 },
        peerWindow: 0,
      },
    });
    waiting.flush('a', 'b');
    expect(waiting.end).toBeUndefined();
    waiting.receive(peer.ack(LAST_RELIABLE_SEQ - 2));
    expect(waiting.sent()).toEqual([`data ${LAST_RELIABLE_SEQ - 1} 'a'`, 'reset seq_exhausted']);
    expect(waiting.end).toEqual(reset('seq_exhausted', 'local'));
  });

  it('does not come for a release when its numbers wrap', () => {
    const stream = new LoneStream({ profile: 'cleartext', memory: { releaseSeq: LAST_RELIABLE_SEQ } });
    stream.flush('a', 'b');
    expect(stream.sent()).toEqual([`plain data ${LAST_RELIABLE_SEQ} 'a'`, `plain data 0 'b'`]);
  });
});

describe('R7: a stream to a release', () => {
  const cleartext = () => new LoneStream({ profile: 'cleartext' });

  it('numbers from 0, whole messages, each once and never again', () => {
    const stream = cleartext();
    stream.flush('a', 100_000);
    stream.flush('b');
    expect(stream.sent()).toEqual([`plain data 0 'a'`, 'plain data 1 100000 bytes', `plain data 2 'b'`]);
    expect(stream.sentWithin(24 * 3_600_000)).toEqual([]);
    expect(stream.clock.pending()).toEqual([]);
    expect(stream.backlogs).toEqual([]);
  });

  it('R8: delivers in the order of arrival, and no duplicate of a peer that counts', () => {
    const stream = cleartext();
    stream.receive(release.data(0), release.data(1));
    stream.receive(release.data(3), release.data(2), release.data(3), release.data(1));
    expect(stream.delivered).toEqual(['m0', 'm1', 'm3', 'm2']);
    expect(stream.sentWithin(60_000)).toEqual([]);
    expect(stream.actor.getSnapshot().context.counters).toMatchObject({ framesReceived: 6, duplicates: 2 });
  });

  it('R9: gives up a stream of which a frame is missing for ten seconds, and says so', () => {
    const stream = cleartext();
    stream.receive(release.data(0), release.data(1), release.data(3));
    expect(stream.is({ cleartext: 'gapped' })).toBe(true);
    stream.clock.advance(6000);
    stream.receive(release.data(4));
    stream.clock.advance(3999);
    expect(stream.delivered).toEqual(['m0', 'm1', 'm3', 'm4']);
    expect(stream.end).toBeUndefined();
    expect(stream.sentWithin(1)).toEqual(['plain reset gap_stalled']);
    expect(stream.end).toEqual(reset('gap_stalled', 'local'));
    expect(stream.clock.pending()).toEqual([]);
  });

  it('goes on when the missing frame comes, however late', () => {
    const stream = cleartext();
    stream.receive(release.data(0), release.data(1), release.data(3));
    stream.clock.advance(9999);
    stream.receive(release.data(2));
    expect(stream.is({ cleartext: 'complete' })).toBe(true);
    expect(stream.delivered).toEqual(['m0', 'm1', 'm3', 'm2']);
    expect(stream.clock.pending()).toEqual([]);
  });

  it('gives each gap its own ten seconds', () => {
    const stream = cleartext();
    stream.receive(release.data(0), release.data(1), release.data(3));
    stream.clock.advance(9000);
    stream.receive(release.data(2), release.data(5));
    stream.clock.advance(9000);
    // Never whole in between: one is filled and another one is there in the same batch.
    stream.receive(release.data(7), release.data(4));
    stream.clock.advance(9999);
    expect(stream.is({ cleartext: 'gapped' })).toBe(true);
    expect(stream.sentWithin(1)).toEqual(['plain reset gap_stalled']);
  });

  it('misses nothing while it does not read, nor of a release that does not count', () => {
    const unread = cleartext();
    unread.receive(release.data(0), release.data(1), release.data(3));
    unread.actor.send({ type: 'reader.paused' });
    expect(unread.sentWithin(60_000)).toEqual([]);
    unread.actor.send({ type: 'reader.resumed' });
    expect(unread.sentWithin(10_000)).toEqual(['plain reset gap_stalled']);
    const uncounted = cleartext();
    uncounted.receive(release.data(0), release.data(2), release.data(7));
    expect(uncounted.is({ cleartext: 'complete' })).toBe(true);
    expect(uncounted.clock.pending()).toEqual([]);
  });

  it('serves a release that does not count', () => {
    const stream = cleartext();
    stream.receive(release.data(0, 'a'), release.data(0, 'b'), release.data(0, 'c'));
    expect(stream.delivered).toEqual(['a', 'b', 'c']);
  });

  it('hears only data and reset', () => {
    const stream = cleartext();
    const others = [{ kind: 'ack' }, { kind: 'heartbeat' }, { kind: 'resume', nextSeq: 4 }] as const;
    stream.receive(...others.map((body) => plainFrame(STREAM_ID, body)));
    expect(stream.delivered).toEqual([]);
    stream.receive(release.data(0), release.reset('gone'), release.data(1));
    expect(stream.delivered).toEqual(['m0']);
    expect(stream.end).toEqual(reset('gone', 'peer'));
    expect(stream.sent()).toEqual([]);
  });

  it('goes without a word, as releases do, but says when something went wrong', () => {
    const gone = cleartext();
    gone.actor.send({ type: 'stream.close' });
    expect(gone.end).toEqual(closed);
    expect(gone.sent()).toEqual([]);
    const wrong = cleartext();
    wrong.actor.send({ type: 'stream.reset', reason: 'internal_error' });
    expect(wrong.sent()).toEqual(['plain reset internal_error']);
  });
});

describe('the stream chart', () => {
  it('names every action, guard, delay and actor, and describes every state', () => {
    expect(unnamedParts(streamMachine)).toEqual([]);
    for (const state of [streamMachine.root, ...allStates(streamMachine)])
      expect(state.description, state.id).toBeTruthy();
  });

  it('has no state that cannot be reached', () => {
    // Each reading is 7 ms later, so that some timers fire late enough for the stream to have slept.
    let now = 0;
    const clock = { now: () => (now += 7), setTimeout: () => 0, clearTimeout: () => {} };
    const nothing = () => {};
    const input: StreamInput = {
      streamId: STREAM_ID,
      role: 'harness',
      port: {
        transmit: nothing,
        retransmit: nothing,
        deliver: nothing,
        backlog: nothing,
        readSocket: nothing,
        opened: nothing,
      },
      clock,
      limits: { ...defaultLimits, windowSegments: 2 },
      timing: { ...defaultStreamTiming, longestProbeMs: 0 },
      meter: { current: { smoothedMs: 0, varianceMs: 0, latestMs: 0, samples: 1 } },
      random: () => 0,
    };
    const frames = (...list: Extract<StreamEvent, { type: 'frames' }>['frames']): StreamEvent => ({
      type: 'frames',
      frames: list,
    });
    const elapsed = (delay: string, state: string) => ({ type: `xstate.after.${delay}.stream.${state}` }) as never;
    const map = getAdjacencyMap(streamMachine, {
      input,
      events: [
        frames(release.data(0)),
        frames(release.data(1)),
        frames(release.data(3)),
        frames(peer.ack(0)),
        frames(peer.ack(0, 0, { window: 0 })),
        frames(peer.ack(1)),
        frames(peer.data(1)),
        frames(peer.data(2)),
        { type: 'flush', messages: [new Uint8Array(1)] },
        { type: 'stream.close' },
        { type: 'carrier.lost' },
        { type: 'carrier.back' },
        { type: 'reader.paused' },
        { type: 'reader.resumed' },
        elapsed('untilDeadline', 'reliable.sending.inFlight'),
        elapsed('oneTurn', 'reliable.sending.inFlight.waking'),
        elapsed('ackDelay', 'reliable.acking.delayed'),
      ],
      serializeState: ({ value, context: { send, receive, ackDebt, peerWindow, filter } }) =>
        JSON.stringify([
          value,
          filter.trust,
          send.inFlight.length,
          Math.min(send.queue.length, 1),
          receive.ack,
          Math.min(ackDebt, 3),
          peerWindow,
        ]),
    });
    const reached = new Set(Object.values(map).flatMap(({ state }) => activePaths(state.value)));
    // Those of encrypted streams are walked in stream-handshake.test.ts.
    const isEncrypted = (path: string) => /^(opening\.handshaking|noise)/.test(path);
    // Which profile it is to be is settled before anything can look.
    const settled = (path: string) => path === 'opening.choosing' || isEncrypted(path);
    const unreached = allStates(streamMachine)
      .map(({ path }) => path.join('.'))
      .filter((path) => !reached.has(path));
    expect(unreached.filter((path) => !settled(path))).toEqual([]);
  });
});
