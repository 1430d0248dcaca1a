import { describe, expect, it } from 'vitest';
import { type AdmissionFacts, admit } from '../../../machines/protocol/admission.js';
import { type Frame, type FrameBody, plainFrame, RELIABILITY_RELIABLE } from '../../../proto/frame.js';

const facts: AdmissionFacts = {
  role: 'executor',
  encryption: 'never',
  retired: false,
  endedLately: false,
  streams: 0,
  mostStreams: 2,
  windowSegments: 32,
};
const data = (seq: number): FrameBody => ({
  kind: 'data',
  seq,
  segmentIndex: 0,
  segmentCount: 1,
  payload: new Uint8Array(1),
});
const plain = (body: FrameBody): Frame => plainFrame('s', body);
const reliable = (body: FrameBody): Frame => ({ ...plain(body), reliability: RELIABILITY_RELIABLE });
const resume = (nextSeq: number): FrameBody => ({ kind: 'resume', nextSeq });
const handshake: FrameBody = { kind: 'handshake', payload: new Uint8Array(1) };
const reset: FrameBody = { kind: 'reset', reason: 'r' };

describe('the first frame of a stream without the capability', () => {
  it('opens it when it is data, whatever its number', () => {
    expect(admit(plain(data(0)), facts)).toEqual({ kind: 'open', profile: 'cleartext' });
    expect(admit(plain(data(99)), facts)).toEqual({ kind: 'open', profile: 'cleartext' });
  });

  it('opens it when its reliability means nothing', () => {
    expect(admit({ ...plain(data(0)), reliability: 2 }, facts)).toEqual({ kind: 'open', profile: 'cleartext' });
  });

  it('is ignored when it is anything but data', () => {
    for (const body of [resume(0), { kind: 'ack' }, { kind: 'heartbeat' }, reset] as const) {
      expect(admit(plain(body), facts)).toEqual({ kind: 'ignore' });
    }
  });

  it('is refused when it wants Noise', () => {
    expect(admit(plain(handshake), facts)).toEqual({ kind: 'refuse', reason: 'noise_relay_protocol_error' });
  });

  it('may start a retired id anew, but not go on with it', () => {
    const retired = { ...facts, retired: true };
    expect(admit(plain(data(0)), retired)).toEqual({ kind: 'open', profile: 'cleartext' });
    expect(admit(plain(data(1)), retired)).toEqual({ kind: 'refuse', reason: 'stream_retired' });
    expect(admit(plain(resume(0)), retired)).toEqual({ kind: 'ignore' });
  });
});

describe('R32: the first frame of a reliable stream', () => {
  it('opens it when it says that the stream starts', () => {
    expect(admit(reliable(resume(1)), facts)).toEqual({ kind: 'open', profile: 'reliable' });
  });

  it('is refused when the stream must be older than this executor', () => {
    for (const frame of [
      reliable(resume(2)),
      reliable(resume(34)),
      reliable(data(33)),
      { ...reliable(data(1)), ack: 1 },
      { ...reliable(data(1)), ackBits: 2 },
      { ...reliable(resume(1)), ack: 1 },
      { ...reliable(resume(1)), ackBits: 2 },
    ]) {
      expect(admit(frame, facts)).toEqual({ kind: 'refuse', reason: 'unknown_stream' });
    }
  });

  it('is left to its resume when it may be either', () => {
    for (const body of [data(1), data(32)]) expect(admit(reliable(body), facts)).toEqual({ kind: 'ignore' });
  });

  it('is refused when its number cannot be', () => {
    expect(admit(reliable(resume(0)), facts)).toEqual({ kind: 'refuse', reason: 'resume_impossible' });
  });

  it('R2: never opens a retired id again', () => {
    for (const body of [resume(1), data(1)]) {
      expect(admit(reliable(body), { ...facts, retired: true })).toEqual({ kind: 'refuse', reason: 'stream_retired' });
    }
  });

  it('is ignored when it carries nothing', () => {
    for (const body of [{ kind: 'ack' }, { kind: 'heartbeat' }, reset, handshake] as const) {
      expect(admit(reliable(body), facts)).toEqual({ kind: 'ignore' });
      expect(admit(reliable(body), { ...facts, retired: true })).toEqual({ kind: 'ignore' });
    }
  });
});

describe('one stream too many', () => {
  it('is refused where it would be opened', () => {
    for (const frame of [plain(data(0)), reliable(resume(1))]) {
      expect(admit(frame, { ...facts, streams: 1 }).kind).toBe('open');
      expect(admit(frame, { ...facts, streams: 2 })).toEqual({ kind: 'refuse', reason: 'too_many_streams' });
      expect(admit(frame, { ...facts, streams: 3 })).toEqual({ kind: 'refuse', reason: 'too_many_streams' });
    }
  });

  it('changes nothing for other frames', () => {
    expect(admit(plain(resume(0)), { ...facts, streams: 2 })).toEqual({ kind: 'ignore' });
    expect(admit(reliable(data(33)), { ...facts, streams: 2 })).toEqual({ kind: 'refuse', reason: 'unknown_stream' });
  });
});

describe('a frame of a stream that a harness does not have', () => {
  const harness = { ...facts, role: 'harness' as const };

  it.each([resume(5), data(1), { kind: 'heartbeat' } as const])(
    'is answered when an executor goes on with it: %o',
    (body) => {
      expect(admit(reliable(body), harness)).toEqual({ kind: 'refuse', reason: 'unknown_stream' });
      expect(admit(reliable(body), { ...harness, retired: true })).toEqual({
        kind: 'refuse',
        reason: 'stream_retired',
      });
    },
  );

  it('is ignored while it may have been under way when the stream ended, unless it asks', () => {
    const lately = { ...harness, retired: true, endedLately: true };
    expect(admit(reliable(data(1)), lately)).toEqual({ kind: 'ignore' });
    expect(admit(reliable(resume(5)), lately)).toEqual({ kind: 'refuse', reason: 'stream_retired' });
  });

  it('is ignored otherwise', () => {
    const late: FrameBody[] = [{ kind: 'ack' }, reset, handshake];
    for (const frame of [...late.map(reliable), plain(resume(0)), plain(data(0)), plain(reset)]) {
      expect(admit(frame, harness)).toEqual({ kind: 'ignore' });
    }
  });
});
