import { beforeEach, describe, expect, it } from 'vitest';
import type { RelayRole } from '../../machines/stream-types.js';
import { type DataBody, type Frame, type FrameBody, plainFrame } from '../../proto/frame.js';
import { NoiseIdentity } from '../../src/noise/identity.js';
import { InitiatorHandshake } from '../../src/noise/initiator-handshake.js';
import { ResponderHandshake } from '../../src/noise/responder-handshake.js';
import { type Attack, HostileRelay, REGISTRATION, type Side } from './hostile-relay.js';

const SECRET = 'rm -rf /tmp/not-for-the-rendezvous';

/** Changes frames of one kind from one end; the others pass. */
function altering<Kind extends FrameBody['kind']>(
  from: RelayRole,
  kind: Kind,
  alter: (frame: Frame, body: Extract<FrameBody, { kind: Kind }>) => readonly Frame[],
): Attack {
  return (frame, sender) =>
    sender === from && frame.body.kind === kind
      ? alter(frame, frame.body as Extract<FrameBody, { kind: Kind }>)
      : [frame];
}

const withBody = (frame: Frame, body: FrameBody): Frame => ({ ...frame, body });

function flipped(payload: Uint8Array, at = payload.length >> 1): Uint8Array {
  const altered = Uint8Array.from(payload);
  altered[at] = (altered[at] as number) ^ 1;
  return altered;
}

let relay: HostileRelay;

beforeEach(async () => {
  relay = await HostileRelay.start();
});

/** An open stream that has been used. */
async function used(streamId: string) {
  const side = relay.open(streamId);
  expect(await relay.until(() => side.isOpen)).toBe(true);
  side.channel.send(Buffer.from('first'));
  expect(await relay.until(() => side.received.length === 1)).toBe(true);
  return side;
}

/** Whatever is done to one stream, another is opened and used as if nothing had happened, and nothing else ran. */
async function expectUnharmed(...attacked: readonly string[]) {
  relay.attack = (frame) => [frame];
  const other = await used('unharmed');
  other.channel.send(Buffer.from('second'));
  expect(await relay.until(() => other.received.length === 2)).toBe(true);
  for (const streamId of attacked) {
    const ran = relay.accepted.get(streamId)?.received ?? [];
    expect(ran.filter((text) => text !== 'first' && text !== SECRET)).toEqual([]);
  }
}

async function expectReset(side: Side) {
  expect(await relay.until(() => side.end !== undefined)).toBe(true);
  expect(side.end?.kind).toBe('reset');
}

describe('a rendezvous that only looks', () => {
  it('sees stream ids, numbers and sizes, and nothing of what is said', async () => {
    const side = await used('s');
    side.channel.send(Buffer.from(SECRET));
    await relay.until(() => side.received.length === 2);
    const bytes = Buffer.concat(relay.seen.map((frame) => frame.bytes));
    expect(bytes.length).toBeGreaterThan(7000);
    for (const word of [
      SECRET,
      SECRET.slice(0, 8),
      'first',
      're ',
      Buffer.from(SECRET).toString('base64').slice(0, 16),
    ]) {
      expect(bytes.includes(word)).toBe(false);
    }
    expect(relay.accepted.get('s')?.received).toEqual(['first', SECRET]);
  });
});

describe('R11: a rendezvous that alters the handshake', () => {
  it.each([
    ['flips a bit of message 1', 'harness'],
    ['flips a bit of message 2', 'executor'],
  ] as const)('and %s gets a reset', async (_, from) => {
    relay.attack = altering(from, 'handshake', (frame, body) => [
      withBody(frame, { ...body, payload: flipped(body.payload) }),
    ]);
    const side = relay.open('s');
    await expectReset(side);
    expect(side.isOpen).toBe(false);
    await expectUnharmed('s');
  });

  it('nowhere in message 1 unnoticed', async () => {
    for (const at of [0, 1087, 1088, 1120, 2303, 2304, 2352, 3552, 3600]) {
      relay.attack = altering('harness', 'handshake', (frame, body) => [
        withBody(frame, { ...body, payload: flipped(body.payload, at) }),
      ]);
      const side = relay.open(`flipped-${at}`);
      await expectReset(side);
      expect(relay.accepted.has(`flipped-${at}`)).toBe(false);
    }
    await expectUnharmed();
  });

  it.each(['harness', 'executor'] as const)('and cuts off the end of what the %s says gets a reset', async (from) => {
    relay.attack = altering(from, 'handshake', (frame, body) => [
      withBody(frame, { ...body, payload: body.payload.subarray(0, body.payload.length - 17) }),
    ]);
    await expectReset(relay.open('s'));
    await expectUnharmed('s');
  });

  it('and makes it longer than any gets a reset before there is any cryptography', async () => {
    relay.attack = altering('harness', 'handshake', (frame, body) => [
      withBody(frame, { ...body, payload: Buffer.concat([body.payload, Buffer.alloc(5000)]) }),
    ]);
    await expectReset(relay.open('s'));
    expect(relay.warnings).toEqual([expect.objectContaining({ code: 'noise_handshake_malformed' })]);
    await expectUnharmed('s');
  });

  it('and puts that of one stream into another gets two resets', async () => {
    const messages = new Map<string, Frame>();
    relay.attack = altering('harness', 'handshake', (frame) => {
      messages.set(frame.streamId, frame);
      const [one, other] = [messages.get('a'), messages.get('b')];
      if (one === undefined || other === undefined) return [];
      return [withBody(one, other.body), withBody(other, one.body)];
    });
    const sides = [relay.open('a'), relay.open('b')];
    for (const side of sides) await expectReset(side);
    expect(relay.accepted.size).toBe(0);
    await expectUnharmed('a', 'b');
  });

  it('and swaps the answers of two streams gets two resets', async () => {
    const answers: Frame[] = [];
    relay.attack = altering('executor', 'handshake', (frame) => {
      answers.push(frame);
      const [one, other] = answers;
      if (one === undefined || other === undefined) return [];
      return [withBody(one, other.body), withBody(other, one.body)];
    });
    const sides = [relay.open('a'), relay.open('b')];
    for (const side of sides) await expectReset(side);
    for (const side of sides) expect(side.isOpen).toBe(false);
    await expectUnharmed('a', 'b');
  });

  it('and answers with a key of its own is not believed', async () => {
    const own = await NoiseIdentity.generate(relay.kem);
    let isAnswered = false;
    relay.attack = (frame, from) => {
      if (from !== 'harness' || frame.body.kind !== 'handshake') return [frame];
      const { payload } = frame.body;
      // Whoever has not the executor's key cannot open message 1, so all he can do is to make up an answer.
      const binding = { ...REGISTRATION, streamId: frame.streamId };
      void ResponderHandshake.read(payload, { identity: own, binding, kem: relay.kem }).then(
        () => expect.fail('message 1 opened with another key'),
        async () => {
          const begun = await InitiatorHandshake.begin({
            identity: own,
            executorKey: own.publicKey,
            binding,
            authorization: 'x',
            kem: relay.kem,
          });
          const responder = await ResponderHandshake.read(begun.message, { identity: own, binding, kem: relay.kem });
          const { message } = await responder.accept();
          isAnswered = true;
          relay.inject('harness', withBody(frame, { kind: 'handshake', payload: message }));
        },
      );
      return [];
    };
    const side = relay.open('s');
    await expectReset(side);
    expect(isAnswered).toBe(true);
    expect(side.isOpen).toBe(false);
    expect(relay.initiator.failure).toMatchObject({ code: 'noise_handshake_failed' });
    await expectUnharmed('s');
  });

  it('and greets the executor with a key of its own is not let in', async () => {
    const own = await NoiseIdentity.generate(relay.kem);
    const { message } = await InitiatorHandshake.begin({
      identity: own,
      executorKey: relay.executorIdentity.publicKey,
      binding: { ...REGISTRATION, streamId: 'own' },
      authorization: 'I may',
      kem: relay.kem,
    });
    relay.inject('executor', plainFrame('own', { kind: 'handshake', payload: message }));
    await relay.until(() => relay.warnings.length > 0);
    expect(relay.accepted.has('own')).toBe(false);
    expect(relay.seen.at(-1)?.frame.body).toEqual({ kind: 'reset', reason: 'noise_relay_protocol_error' });
    await expectUnharmed('own');
  });

  it('and says it again when its stream is over is not let in a second time', async () => {
    const side = await used('s');
    const greeting = relay.seen.find(({ frame }) => frame.body.kind === 'handshake')?.frame as Frame;
    side.channel.close();
    await relay.until(() => side.end !== undefined);
    relay.accepted.clear();
    // Once as what it was, once as if a release had sent it, which may use an id again.
    for (const frame of [greeting, plainFrame('s', greeting.body)]) {
      relay.inject('executor', frame);
      await relay.until(() => false, 2000);
    }
    expect(relay.accepted.size).toBe(0);
    await expectUnharmed('s');
  });

  it('and hides what the executor can do gets a stream that goes no further than a reset', async () => {
    relay.attack = altering('executor', 'handshake', (frame) => [{ ...frame, reliability: 0 }]);
    const side = relay.open('s');
    await relay.until(() => side.isOpen);
    side.channel.send(Buffer.from('first'));
    await relay.until(() => side.end !== undefined, 200_000);
    expect(relay.accepted.get('s')?.received ?? []).toEqual([]);
    await expectUnharmed('s');
  });
});

describe('R11: a rendezvous that meddles with records', () => {
  const harm = (alter: (body: DataBody, frame: Frame) => readonly Frame[]) => async () => {
    const side = await used('s');
    relay.attack = altering('harness', 'data', (frame, body) => alter(body, frame));
    side.channel.send(Buffer.from(SECRET));
    await expectReset(side);
    expect(relay.accepted.get('s')?.received).toEqual(['first']);
    await expectUnharmed('s');
  };
  const data = (frame: Frame, body: DataBody, change: Partial<DataBody>) => [withBody(frame, { ...body, ...change })];

  it(
    'gets a reset for a flipped bit',
    harm((body, frame) => data(frame, body, { payload: flipped(body.payload) })),
  );
  it(
    'gets a reset for a flipped bit of the tag',
    harm((body, frame) => data(frame, body, { payload: flipped(body.payload, body.payload.length - 1) })),
  );
  it(
    'gets a reset for a record that is cut',
    harm((body, frame) => data(frame, body, { payload: body.payload.subarray(0, 20) })),
  );
  it(
    'gets a reset for a record that is shorter than its tag',
    harm((body, frame) => data(frame, body, { payload: body.payload.subarray(0, 3) })),
  );
  it(
    'gets a reset for a record of its own making',
    harm((body, frame) => data(frame, body, { payload: Buffer.alloc(100, 7) })),
  );
  it(
    'gets a reset for words in the clear',
    harm((body, frame) => data(frame, body, { payload: Buffer.from('{"id":1,"method":"process/start","params":{}}') })),
  );
  it(
    'gets a reset for a record that is longer than any',
    harm((body, frame) => data(frame, body, { payload: Buffer.alloc(61_457) })),
  );

  it('cannot make one message of two, nor two of one', async () => {
    const joined = await used('joined');
    relay.attack = altering('harness', 'data', (frame, body) =>
      data(frame, body, { segmentIndex: (body.seq + 1) % 2, segmentCount: 2 }),
    );
    joined.channel.send(Buffer.from(SECRET));
    joined.channel.send(Buffer.from(SECRET));
    await expectReset(joined);
    expect(relay.accepted.get('joined')?.received).toEqual(['first']);
    await expectUnharmed('joined');
  });

  it('cannot bring records in another order: they are put right, or do not open', async () => {
    const late = await used('late');
    const held: Frame[] = [];
    relay.attack = altering('harness', 'data', (frame) => {
      held.push(frame);
      return held.length === 2 ? held.splice(0).reverse() : [];
    });
    late.channel.send(Buffer.from('first'));
    await relay.until(() => held.length === 1, 1);
    late.channel.send(Buffer.from(SECRET));
    expect(await relay.until(() => late.received.length === 3)).toBe(true);
    expect(relay.accepted.get('late')?.received).toEqual(['first', 'first', SECRET]);

    const renumbered = await used('renumbered');
    relay.attack = altering('harness', 'data', (frame, body) => {
      held.push(frame);
      const [one, other] = held;
      if (one === undefined || other === undefined) return [];
      return [
        withBody(one, { ...(other.body as DataBody), seq: body.seq - 1 }),
        withBody(other, { ...(one.body as DataBody), seq: body.seq }),
      ];
    });
    renumbered.channel.send(Buffer.from(SECRET));
    await relay.until(() => held.length === 1, 1);
    renumbered.channel.send(Buffer.from('first'));
    await expectReset(renumbered);
    expect(relay.accepted.get('renumbered')?.received).toEqual(['first']);
    await expectUnharmed('late', 'renumbered');
  });

  it('cannot have anything run twice', async () => {
    const side = await used('s');
    relay.attack = altering('harness', 'data', (frame, body) => [
      frame,
      frame,
      ...data(frame, body, { seq: body.seq + 1 }),
    ]);
    side.channel.send(Buffer.from(SECRET));
    await expectReset(side);
    expect(relay.accepted.get('s')?.received).toEqual(['first', SECRET]);
    await expectUnharmed('s');
  });

  it('cannot say on one stream what was said on another, or before', async () => {
    const [one, other] = [await used('one'), await used('other')];
    const before = relay.seen.find(
      ({ frame, from }) => from === 'harness' && frame.streamId === 'one' && frame.body.kind === 'data',
    )?.frame.body as DataBody;
    relay.attack = altering('harness', 'data', (frame, body) => data(frame, body, { payload: before.payload }));
    other.channel.send(Buffer.from(SECRET));
    await expectReset(other);
    expect(relay.accepted.get('other')?.received).toEqual(['first']);
    one.channel.send(Buffer.from(SECRET));
    await expectReset(one);
    expect(relay.accepted.get('one')?.received).toEqual(['first']);
    await expectUnharmed('one', 'other');
  });

  it('cannot send the words of an end back to it', async () => {
    const side = await used('s');
    relay.attack = (frame, from) => {
      if (from !== 'harness' || frame.body.kind !== 'data') return [frame];
      relay.inject('harness', frame);
      return [];
    };
    side.channel.send(Buffer.from(SECRET));
    await expectReset(side);
    expect(side.received).toEqual(['re first']);
    await expectUnharmed('s');
  });

  it('can end a stream, and change nothing that ran', async () => {
    const side = await used('s');
    relay.inject('executor', plainFrame('s', { kind: 'reset', reason: 'because I can' }));
    relay.inject('harness', plainFrame('s', { kind: 'reset', reason: 'because I can' }));
    await expectReset(side);
    await expectUnharmed('s');
  });

  it('cannot end a stream by a handshake of its own making', async () => {
    const side = await used('s');
    // Its last acknowledgement is on its way.
    await relay.until(() => false, 1000);
    const { length } = relay.seen;
    relay.inject('executor', plainFrame('s', { kind: 'handshake', payload: Buffer.alloc(3600, 1) }));
    relay.inject('harness', plainFrame('s', { kind: 'handshake', payload: Buffer.alloc(3424, 1) }));
    await relay.until(() => false, 1000);
    expect(relay.seen.length).toBe(length);
    side.channel.send(Buffer.from(SECRET));
    expect(await relay.until(() => side.received.length === 2)).toBe(true);
  });

  it('cannot begin a stream in the clear', async () => {
    const request = Buffer.from('{"id":1,"method":"initialize","params":{"clientName":"x"}}');
    const body: FrameBody = { kind: 'data', seq: 0, segmentIndex: 0, segmentCount: 1, payload: request };
    relay.inject('executor', plainFrame('clear', body));
    relay.inject('executor', { ...plainFrame('mine', { kind: 'resume', nextSeq: 1 }), reliability: 1 });
    relay.inject('executor', { ...plainFrame('mine', { ...body, seq: 1 }), reliability: 1 });
    await relay.until(() => false, 1000);
    expect(relay.accepted.size).toBe(0);
    expect(relay.seen.filter(({ from }) => from === 'executor').map(({ frame }) => frame.body)).toEqual([
      { kind: 'reset', reason: 'noise_relay_protocol_error' },
      { kind: 'reset', reason: 'unknown_stream' },
    ]);
    await expectUnharmed('clear', 'mine');
  });
});

describe('what was secret', () => {
  it('is wiped when the handshake is done and the stream is over', async () => {
    const side = await used('s');
    const statics = new Set([relay.executorIdentity, relay.harnessIdentity]);
    expect(statics.size).toBe(2);
    side.channel.close();
    await relay.until(() => side.end !== undefined);
    // All that the handshake had of key encapsulation: ephemeral keys and shared secrets.
    expect(relay.kem.secrets.length).toBeGreaterThan(5);
    for (const secret of relay.kem.secrets) expect(secret.every((byte) => byte === 0)).toBe(true);
  });
});
