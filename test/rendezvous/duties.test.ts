import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { encodeFrame } from '../../proto/frame-codec.js';
import { harnessUrl } from '../../src/rendezvous/socket-url.js';
import { data, ENV, RelayPeer, refusalOf, rendezvousForTest, until } from './relay-peer.js';

const MIB = 1024 * 1024;

/** A fixed message whose fields 11, 12 and 99 no router knows, and which no encoder would write in this order. */
function oddFrame(streamId: string): Buffer {
  const id = Buffer.from(streamId);
  return Buffer.concat([
    Buffer.from('5a0161', 'hex'),
    Buffer.from('2a0718012203616263', 'hex'),
    Buffer.from([0x12, id.length]),
    id,
    Buffer.from('9a0603787978', 'hex'),
    Buffer.from('6201620801', 'hex'),
  ]);
}

describe('the duties of a rendezvous (relay.md §11)', () => {
  it('1: takes sockets on self-authenticating URLs, with messages of 20 MiB', async () => {
    const rendezvous = await rendezvousForTest();
    const [executor, harness] = await Promise.all([rendezvous.executor(), rendezvous.harness()]);
    const payload = Buffer.alloc(20 * MIB, 0x61);
    harness.data('s1', payload);
    await until(() => executor.messages.length === 1);
    expect(executor.messages[0]?.equals(encodeFrame({ ...base('s1'), body: data(payload) }))).toBe(true);
    expect(executor.socket.extensions).toBe('');
  });

  it('2: learns a stream from its first frame and brings the answers to the harness that opened it', async () => {
    const rendezvous = await rendezvousForTest();
    const [executor, one, other] = [
      await rendezvous.executor(),
      await rendezvous.harness(),
      await rendezvous.harness(),
    ];
    one.resume('s1');
    other.resume('s2');
    await until(() => executor.messages.length === 2);
    executor.data('s2', 'to two');
    executor.data('s1', 'to one');
    await one.sees('s1 data to one');
    await other.sees('s2 data to two');
  });

  it('2: resets a stream id that another live harness owns, towards the newcomer only', async () => {
    const rendezvous = await rendezvousForTest();
    const [executor, owner, newcomer] = [
      await rendezvous.executor(),
      await rendezvous.harness(),
      await rendezvous.harness(),
    ];
    owner.resume('s1');
    await executor.sees('s1 resume');
    newcomer.data('s1', 'mine');
    await newcomer.sees('s1 reset stream_id_in_use');
    newcomer.send('s1', { kind: 'reset', reason: 'end it' });
    newcomer.resume('s2');
    await executor.sees('s1 resume', 's2 resume');
    executor.data('s1', 'still yours');
    await owner.sees('s1 data still yours');
  });

  it('3: forwards the very bytes, unknown fields and order included, in both directions', async () => {
    const rendezvous = await rendezvousForTest();
    const [executor, harness] = [await rendezvous.executor(), await rendezvous.harness()];
    harness.socket.send(oddFrame('s1'));
    await until(() => executor.messages.length === 1);
    expect(executor.messages[0]).toEqual(oddFrame('s1'));
    executor.socket.send(oddFrame('s1'));
    await until(() => harness.messages.length === 1);
    expect(harness.messages[0]).toEqual(oddFrame('s1'));
  });

  it('4: keeps the order of every stream and drops nothing', async () => {
    const rendezvous = await rendezvousForTest();
    const [executor, harness] = [await rendezvous.executor(), await rendezvous.harness()];
    const expected: string[] = [];
    for (let seq = 0; seq < 5000; seq++) {
      harness.data(`s${seq % 7}`, String(seq), seq);
      expected.push(`s${seq % 7} data ${seq}`);
    }
    await executor.sees(...expected);
  });

  it('5 and 14: resets each stream of a harness that ended, at the executor, and only those', async () => {
    const rendezvous = await rendezvousForTest();
    const [executor, leaving, staying] = [
      await rendezvous.executor(),
      await rendezvous.harness(),
      await rendezvous.harness(),
    ];
    leaving.resume('s1');
    leaving.resume('s2');
    staying.resume('s3');
    await until(() => executor.messages.length === 3);
    executor.messages.length = 0;
    leaving.socket.terminate();
    await executor.sees('s1 reset harness_disconnected', 's2 reset harness_disconnected');
    executor.data('s3', 'go on');
    await staying.sees('s3 data go on');
  });

  it('5: does not reset a stream that one of its ends has already reset', async () => {
    const rendezvous = await rendezvousForTest();
    const [executor, harness] = [await rendezvous.executor(), await rendezvous.harness()];
    harness.resume('s1');
    harness.resume('s2');
    harness.resume('s3');
    harness.send('s1', { kind: 'reset', reason: 'done' });
    await executor.sees('s1 resume', 's2 resume', 's3 resume', 's1 reset done');
    executor.send('s2', { kind: 'reset', reason: 'failed' });
    await harness.sees('s2 reset failed');
    executor.messages.length = 0;
    harness.socket.terminate();
    await executor.sees('s3 reset harness_disconnected');
  });

  it('6: resets every stream at its harness when the executor ends', async () => {
    const rendezvous = await rendezvousForTest();
    const [executor, one, other] = [
      await rendezvous.executor(),
      await rendezvous.harness(),
      await rendezvous.harness(),
    ];
    one.resume('s1');
    other.resume('s2');
    await until(() => executor.messages.length === 2);
    executor.socket.terminate();
    await one.sees('s1 reset executor_disconnected');
    await other.sees('s2 reset executor_disconnected');
    expect(one.closed).toBeUndefined();
  });

  it('7: answers a harness with reset at once while no executor is attached, and serves it when one comes', async () => {
    const rendezvous = await rendezvousForTest();
    const harness = await rendezvous.harness();
    harness.resume('s1');
    await harness.sees('s1 reset environment_offline');
    harness.send('s1', { kind: 'reset', reason: 'given up' });
    const executor = await rendezvous.executor();
    harness.resume('s2');
    await executor.sees('s2 resume');
    expect(harness.messages).toHaveLength(1);
  });

  it('8: replaces an executor socket by a newer one and ends the streams of the old', async () => {
    const rendezvous = await rendezvousForTest();
    const url = await rendezvous.register();
    const old = await RelayPeer.connect(url);
    const harness = await rendezvous.harness();
    harness.resume('s1');
    await old.sees('s1 resume');
    const newer = await RelayPeer.connect(url);
    await old.closesWith(4001);
    await harness.sees('s1 reset executor_replaced');
    harness.resume('s2');
    await newer.sees('s2 resume');
    newer.data('s2', 'here');
    await harness.sees('s1 reset executor_replaced', 's2 data here');
  });

  it('8: the end of a replaced socket does not harm the newer one', async () => {
    const rendezvous = await rendezvousForTest();
    const old = await rendezvous.executor();
    const newer = await rendezvous.executor();
    const harness = await rendezvous.harness();
    harness.resume('s1');
    await newer.sees('s1 resume');
    await old.closesWith(4001);
    newer.data('s1', 'still here');
    await harness.sees('s1 data still here');
  });

  it('8: nothing that a replaced socket still says reaches a harness', async () => {
    const rendezvous = await rendezvousForTest();
    const old = await rendezvous.executor();
    // It does not see the goodbye yet.
    old.socket.pause();
    const newer = await rendezvous.executor();
    const harness = await rendezvous.harness();
    harness.resume('s1');
    await newer.sees('s1 resume');
    old.data('s1', 'from the past');
    old.socket.resume();
    await old.closesWith(4001);
    newer.data('s1', 'from now');
    await harness.sees('s1 data from now');
  });

  it('8: an older registration is told to register again while a newer one serves', async () => {
    const rendezvous = await rendezvousForTest();
    const older = await rendezvous.register();
    const start = Date.now();
    await until(() => Date.now() > start);
    const newer = await rendezvous.executor();
    expect(await refusalOf(older)).toEqual({ status: 409, code: 'unexpected_executor_registration_id' });
    newer.socket.terminate();
    await newer.closesWith(1006);
    const executor = await RelayPeer.connect(older);
    const harness = await rendezvous.harness();
    harness.resume('s1');
    await executor.sees('s1 resume');
  });

  it('9: drops what an executor says on a stream nobody has', async () => {
    const rendezvous = await rendezvousForTest();
    const [executor, harness] = [await rendezvous.executor(), await rendezvous.harness()];
    harness.resume('s1');
    await executor.sees('s1 resume');
    executor.data('unknown', 'late');
    executor.send('unknown', { kind: 'reset', reason: 'late' });
    executor.data('s1', 'known');
    await harness.sees('s1 data known');
    expect(executor.closed).toBeUndefined();
  });

  it('10: never sends a text message, whatever it is sent', async () => {
    const rendezvous = await rendezvousForTest();
    const [executor, harness] = [await rendezvous.executor(), await rendezvous.harness()];
    harness.resume('s1');
    harness.socket.send('{"method":"initialize"}');
    executor.socket.send('hello');
    harness.data('s1', 'after');
    await executor.sees('s1 resume', 's1 data after');
    executor.data('s1', 'answer');
    await harness.sees('s1 data answer');
    expect([...executor.texts, ...harness.texts]).toEqual([]);
  });

  it('11: pings both sides again and again', async () => {
    const rendezvous = await rendezvousForTest({ limits: { pingIntervalMs: 20 } });
    const [executor, harness] = [await rendezvous.executor(), await rendezvous.harness()];
    await until(() => executor.pings > 5 && harness.pings > 5);
    expect([executor.closed, harness.closed]).toEqual([undefined, undefined]);
  });

  it('11: answers pings with their payload', async () => {
    const rendezvous = await rendezvousForTest();
    const harness = await rendezvous.harness();
    harness.socket.ping('are you there');
    const [payload] = await once(harness.socket, 'pong');
    expect(payload.toString()).toBe('are you there');
  });

  it('11: cuts off a socket that has been silent for two intervals, and resets its streams', async () => {
    const rendezvous = await rendezvousForTest({ limits: { pingIntervalMs: 30 } });
    const executor = await rendezvous.executor();
    const silent = await RelayPeer.connect(rendezvous.harnessUrl, { autoPong: false });
    silent.resume('s1');
    await executor.sees('s1 resume', 's1 reset harness_disconnected');
    await silent.closesWith(1006);
    expect(executor.closed).toBeUndefined();
  });

  it('12: refuses with 4xx what a new registration cures, with 5xx what waiting cures', async () => {
    const first = await rendezvousForTest();
    const url = await first.register();
    const port = new URL(first.url).port;
    await first.close();
    const restarted = await rendezvousForTest({ listen: `http://127.0.0.1:${port}`, limits: { environments: 0 } });
    expect(await refusalOf(url)).toEqual({ status: 401, code: 'invalid_signature' });
    expect(await refusalOf(await restarted.register())).toEqual({ status: 503, code: 'route_unavailable' });
  });

  it('13: forwards a short reset reason as it is and puts its own in the place of a long one', async () => {
    const rendezvous = await rendezvousForTest();
    const [executor, harness] = [await rendezvous.executor(), await rendezvous.harness()];
    harness.resume('s1');
    harness.resume('s2');
    await until(() => executor.messages.length === 2);
    executor.send('s1', { kind: 'reset', reason: 'noise_relay_protocol_error' });
    executor.send('s2', { kind: 'reset', reason: 'x'.repeat(100_000) });
    await harness.sees('s1 reset noise_relay_protocol_error', 's2 reset reset_reason_too_long');
  });
});

describe('a socket that sends what it should not', () => {
  it('is told so when it sends text and never opened a stream', async () => {
    const rendezvous = await rendezvousForTest();
    const harness = await rendezvous.harness();
    harness.socket.send('{"id":1,"method":"initialize"}');
    await harness.closesWith(1003);
    expect(harness.closed?.reason).toBe('relay frames are binary messages');
  });

  it('goes on after undecodable, blank and foreign-version messages', async () => {
    const rendezvous = await rendezvousForTest();
    const [executor, harness] = [await rendezvous.executor(), await rendezvous.harness()];
    for (const digits of ['', 'ffffffff', '08011200', '0802120273313200', '0801120273']) {
      harness.socket.send(Buffer.from(digits, 'hex'));
      executor.socket.send(Buffer.from(digits, 'hex'));
    }
    harness.resume('s1');
    await executor.sees('s1 resume');
    executor.data('s1', 'fine');
    await harness.sees('s1 data fine');
  });

  it('is closed with 1009 for an oversized message, and nobody else', async () => {
    const rendezvous = await rendezvousForTest({ limits: { websocketMessageBytes: 100_000 } });
    const [executor, loud, quiet] = [
      await rendezvous.executor(),
      await rendezvous.harness(),
      await rendezvous.harness(),
    ];
    loud.resume('s1');
    quiet.resume('s2');
    await until(() => executor.messages.length === 2);
    loud.data('s1', Buffer.alloc(100_001));
    await loud.closesWith(1009);
    await until(() => executor.messages.length === 3);
    expect(executor.seen[2]).toBe('s1 reset harness_disconnected');
    executor.data('s2', 'fine');
    await quiet.sees('s2 data fine');
  });

  it('is reset for each stream beyond the bound, until one of its streams ended', async () => {
    const rendezvous = await rendezvousForTest({ limits: { streamsPerHarness: 2 } });
    const [executor, harness] = [await rendezvous.executor(), await rendezvous.harness()];
    for (const id of ['s1', 's2', 's3']) harness.resume(id);
    await harness.sees('s3 reset too_many_streams');
    harness.send('s1', { kind: 'reset', reason: 'done' });
    harness.resume('s3');
    await executor.sees('s1 resume', 's2 resume', 's1 reset done', 's3 resume');
  });

  it('is refused beyond the bound of harness sockets of an environment', async () => {
    const rendezvous = await rendezvousForTest({ limits: { harnessesPerEnvironment: 1 } });
    const harness = await rendezvous.harness();
    expect(await refusalOf(rendezvous.harnessUrl)).toEqual({ status: 503, code: 'route_unavailable' });
    harness.socket.close();
    await harness.closesWith(1005);
    await rendezvous.harness();
  });

  it('does no harm with bytes that are no WebSocket frames', async () => {
    const rendezvous = await rendezvousForTest();
    const [executor, harness] = [await rendezvous.executor(), await rendezvous.harness()];
    const { hostname, port, pathname, search } = new URL(rendezvous.harnessUrl);
    const tcp = connect(Number(port), hostname);
    tcp.on('error', () => {});
    tcp.write(
      `GET ${pathname}${search} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n` +
        'sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
    );
    await once(tcp, 'data');
    tcp.write(Buffer.alloc(1000, 0xff));
    await once(tcp, 'close');
    harness.resume('s1');
    await executor.sees('s1 resume');
  });
});

describe('acks and heartbeats of no stream', () => {
  it('are forwarded but open none', async () => {
    const rendezvous = await rendezvousForTest();
    const [executor, harness] = [await rendezvous.executor(), await rendezvous.harness()];
    harness.send('s1', { kind: 'ack' });
    harness.send('s1', { kind: 'heartbeat' });
    await executor.sees('s1 ack', 's1 heartbeat');
    harness.socket.terminate();
    const next = await rendezvous.harness();
    next.resume('s2');
    await executor.sees('s1 ack', 's1 heartbeat', 's2 resume');
  });
});

describe('the URL of a harness', () => {
  it('names the environment and carries the token, under any base', () => {
    expect(harnessUrl('http://127.0.0.1:7420', ENV, 'sbx_harness_x')).toBe(
      'ws://127.0.0.1:7420/ws/environment/box-1?role=harness&token=sbx_harness_x',
    );
    expect(harnessUrl('https://relay.example/base/', ENV)).toBe(
      'wss://relay.example/base/ws/environment/box-1?role=harness',
    );
    expect(harnessUrl('ws://[::1]:7420', ENV)).toBe('ws://[::1]:7420/ws/environment/box-1?role=harness');
  });
});

function base(streamId: string) {
  return { streamId, ack: 0, ackBits: 0, reliability: 0 };
}
