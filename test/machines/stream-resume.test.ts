import { describe, expect, it } from 'vitest';
import { defaultStreamTiming } from '../../machines/stream-types.js';
import { LoneStream, numbers, peer, release, STREAM_ID } from './lone-stream.js';

const GRACE_MS = defaultStreamTiming.graceMs;
const lose = (stream: LoneStream) => stream.actor.send({ type: 'carrier.lost' });
const regain = (stream: LoneStream) => stream.actor.send({ type: 'carrier.back' });
const reset = (reason: string, initiator: 'local' | 'peer') => ({
  streamId: STREAM_ID,
  kind: 'reset',
  reason,
  initiator,
});

describe('R29: a reliable stream without a carrier', () => {
  it('sends nothing, keeps what it is given, and arms no timer but its grace', () => {
    const stream = new LoneStream();
    stream.receive(peer.data(1));
    stream.flush('a');
    stream.sent();
    lose(stream);
    expect(stream.is({ reliable: { carrier: { interrupted: 'away' }, sending: 'resting' } })).toBe(true);
    stream.flush('b', 200_000);
    stream.actor.send({ type: 'reader.paused' });
    stream.actor.send({ type: 'reader.resumed' });
    expect(stream.sentWithin(GRACE_MS - 1)).toEqual([]);
    expect(stream.clock.pending()).toEqual([GRACE_MS]);
    expect(stream.backlogs).toEqual([200_001]);
  });

  it('forgets the acknowledgement it owed: resume says it', () => {
    const stream = new LoneStream();
    stream.receive(peer.data(1));
    lose(stream);
    regain(stream);
    expect(stream.sent()).toEqual(['resume 1 ack 1']);
    stream.receive(peer.ack(0));
    expect(stream.sentWithin(GRACE_MS * 2)).toEqual([]);
  });

  it('ends with a reason when the grace is over, and nobody can be told', () => {
    const stream = new LoneStream();
    lose(stream);
    expect(stream.sentWithin(GRACE_MS)).toEqual([]);
    expect(stream.end).toEqual(reset('resume_expired', 'local'));
    expect(stream.clock.pending()).toEqual([]);
  });

  it('may be closed when nothing is under way, and drains in vain otherwise', () => {
    const idle = new LoneStream();
    lose(idle);
    idle.actor.send({ type: 'stream.close' });
    expect(idle.end).toMatchObject({ kind: 'closed' });
    const busy = new LoneStream();
    busy.flush('a');
    busy.sent();
    lose(busy);
    busy.actor.send({ type: 'stream.close' });
    expect(busy.end).toBeUndefined();
    expect(busy.sentWithin(2000)).toEqual([]);
    expect(busy.end).toMatchObject({ kind: 'closed' });
  });

  it('hears of the loss twice without harm', () => {
    const stream = new LoneStream();
    lose(stream);
    lose(stream);
    regain(stream);
    expect(stream.sent()).toEqual(['resume 1']);
  });
});

describe('R30: a reliable stream on a new carrier', () => {
  it('says at once where it stands, and sends a first part of what may be missing', () => {
    const stream = new LoneStream();
    stream.receive(peer.data(1), peer.data(3));
    stream.flush(40_000, 20_000, 20_000);
    stream.sent();
    lose(stream);
    regain(stream);
    expect(stream.sent()).toEqual([
      'resume 4 ack 1+10',
      'again data 1 40000 bytes ack 1+10',
      'again data 2 20000 bytes ack 1+10',
    ]);
    expect(stream.causes).toEqual(['resumed', 'resumed']);
  });

  it('sends the rest when it hears what the peer has, and what waits behind it', () => {
    const stream = new LoneStream();
    stream.flush(60_000, 60_000, 60_000);
    stream.clock.advance(1);
    lose(stream);
    stream.flush('later');
    regain(stream);
    stream.clock.advance(50);
    expect(stream.sent().at(-1)).toBe('again data 1 60000 bytes');
    stream.receive(peer.ack(2));
    expect(stream.sent()).toEqual(['again data 3 60000 bytes', `data 4 'later'`]);
    expect(stream.is({ reliable: { carrier: 'attached', sending: 'inFlight' } })).toBe(true);
    expect(stream.backlogs).toEqual([5, 0]);
  });

  it('does not send its first part twice for a peer that answers before it got it', () => {
    const stream = new LoneStream();
    stream.flush('a', 60_000, 60_000);
    stream.clock.advance(1);
    lose(stream);
    regain(stream);
    stream.sent();
    stream.clock.advance(50);
    stream.receive(peer.ack(0));
    expect(stream.sent()).toEqual(['again data 3 60000 bytes']);
  });

  it('repeats resume, and nothing else, until the peer is heard', () => {
    const stream = new LoneStream();
    stream.flush('a');
    lose(stream);
    regain(stream);
    stream.sent();
    expect(stream.sentWithin(1000)).toEqual(['resume 2']);
    expect(stream.sentWithin(2000)).toEqual(['resume 2']);
    expect(stream.sentWithin(4000)).toEqual(['resume 2']);
    stream.flush('b');
    expect(stream.sent()).toEqual([]);
    stream.receive(peer.resume(1));
    // The peer was not there before: what went to nobody goes again, and resume is answered by what carries data.
    expect(stream.sent()).toEqual([`again data 1 'a'`, `data 2 'b'`]);
    stream.receive(peer.ack(2));
    expect(stream.sentWithin(GRACE_MS * 2)).toEqual([]);
  });

  it('answers the resume of its peer, though it has announced itself', () => {
    const stream = new LoneStream();
    lose(stream);
    regain(stream);
    stream.sent();
    stream.receive(peer.resume(1));
    expect(stream.sentWithin(GRACE_MS * 2)).toEqual(['ack 0']);
  });

  it('is not heard by what anybody may say', () => {
    const stream = new LoneStream();
    lose(stream);
    regain(stream);
    stream.receive(release.data(0));
    expect(stream.is({ reliable: { carrier: { interrupted: 'resuming' } } })).toBe(true);
    expect(stream.delivered).toEqual([]);
    stream.receive(release.reset('environment_offline'));
    expect(stream.end).toEqual(reset('environment_offline', 'peer'));
  });

  it('has no more grace than it had, and tells a peer that is there after all', () => {
    const stream = new LoneStream();
    lose(stream);
    stream.clock.advance(GRACE_MS - 1000);
    regain(stream);
    stream.sent();
    lose(stream);
    regain(stream);
    expect(stream.sentWithin(999)).toEqual(['resume 1']);
    expect(stream.sentWithin(1).at(-1)).toBe('reset resume_expired');
    expect(stream.end).toEqual(reset('resume_expired', 'local'));
  });

  it('has its whole grace again once the peer was heard', () => {
    const stream = new LoneStream();
    for (let round = 0; round < 5; round += 1) {
      lose(stream);
      stream.clock.advance(GRACE_MS - 1);
      regain(stream);
      stream.receive(peer.ack(0));
    }
    expect(stream.end).toBeUndefined();
  });

  it('is held back as it was, and asks', () => {
    const stream = new LoneStream();
    stream.receive(peer.ack(0, 0, { window: 0 }));
    stream.flush('a');
    lose(stream);
    regain(stream);
    stream.sent();
    stream.receive(peer.ack(0, 0, { window: 0 }));
    expect(stream.is({ reliable: { sending: 'heldBack' } })).toBe(true);
    expect(stream.sentWithin(1000)).toEqual(['heartbeat']);
  });

  it('tells its own full reader with resume', () => {
    const stream = new LoneStream();
    lose(stream);
    stream.actor.send({ type: 'reader.paused' });
    regain(stream);
    expect(stream.sent()).toEqual(['resume 1 window 0']);
  });

  it('probes with short waits again', () => {
    const stream = new LoneStream();
    stream.flush('a');
    stream.clock.advance(30_000);
    lose(stream);
    regain(stream);
    stream.clock.advance(10);
    stream.receive(peer.ack(0));
    stream.sent();
    expect(stream.sentWithin(990)).toEqual([`again data 1 'a'`]);
  });
});

describe('R31: an end that slept', () => {
  it('has its grace anew, and announces itself at once where there is a carrier', () => {
    let late = 0;
    const away = new LoneStream({ oversleep: () => late });
    late = 3 * 3_600_000;
    lose(away);
    away.clock.advance(late);
    late = 0;
    away.clock.advance(GRACE_MS);
    expect(away.end).toBeUndefined();
    away.clock.advance(GRACE_MS);
    expect(away.end).toEqual(reset('resume_expired', 'local'));

    const resuming = new LoneStream({ oversleep: () => late });
    late = 3 * 3_600_000;
    lose(resuming);
    regain(resuming);
    resuming.sent();
    resuming.clock.advance(late);
    late = 0;
    resuming.clock.advance(GRACE_MS);
    expect(resuming.sent()).toContain('resume 1');
    resuming.receive(peer.ack(0));
    expect(resuming.is({ reliable: { carrier: 'attached' } })).toBe(true);
  });
});

describe('R33: the resume of a peer', () => {
  it('that cannot be resets the stream with its reason', () => {
    for (const nextSeq of [0, 34, 0xffff_ffff]) {
      const stream = new LoneStream();
      stream.receive(peer.resume(nextSeq));
      expect(stream.end, String(nextSeq)).toEqual(reset('resume_impossible', 'local'));
      expect(stream.sent()).toEqual(['reset resume_impossible']);
    }
    const full = new LoneStream();
    full.receive(...numbers(1, 5).map((seq) => peer.data(seq)), peer.resume(38));
    expect(full.end).toBeUndefined();
    full.receive(peer.resume(39));
    expect(full.end).toEqual(reset('resume_impossible', 'local'));
  });

  it('that acknowledges what was never sent resets the stream', () => {
    const stream = new LoneStream();
    lose(stream);
    regain(stream);
    stream.sent();
    stream.receive(peer.resume(1, { ack: 1 }));
    expect(stream.end).toEqual(reset('ack_of_unsent', 'local'));
  });

  it('that was overtaken by what came after it is only answered', () => {
    const stream = new LoneStream();
    stream.receive(peer.data(1), peer.data(2), peer.resume(1));
    expect(stream.sentWithin(60_000)).toEqual(['ack 2']);
  });

  it('repeated within a round trip sends nothing again', () => {
    const stream = new LoneStream();
    stream.flush('first');
    stream.clock.advance(40);
    stream.receive(peer.ack(1));
    stream.flush('a');
    stream.clock.advance(30);
    stream.sent();
    stream.receive(peer.resume(1, { ack: 1 }));
    expect(stream.sent()).toEqual(['ack 0']);
    stream.clock.advance(11);
    stream.receive(peer.resume(1, { ack: 1 }));
    expect(stream.sent()).toEqual([`again data 2 'a'`]);
    stream.receive(peer.resume(1, { ack: 1 }));
    expect(stream.sent()).toEqual(['ack 0']);
  });
});

describe('a harness that probes again and again', () => {
  it('asks whether its executor still knows the stream', () => {
    const stream = new LoneStream({ role: 'harness' });
    stream.flush('a');
    stream.sent();
    expect(stream.sentWithin(1000)).toEqual([`again data 1 'a'`]);
    expect(stream.sentWithin(2000)).toEqual([`again data 1 'a'`, 'resume 2']);
  });
});
