import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { WebSocket } from 'ws';
import { RelaySocket } from '../../src/rendezvous/relay-socket.js';

const LIMITS = { pauseAboveBytes: 1000, resumeBelowBytes: 250, stuckAfterMs: 30_000 };

/** A WebSocket over a connection whose other side takes bytes only when told. */
class FakeSocket extends EventEmitter {
  readonly OPEN = 1;
  readyState = 1;
  bufferedAmount = 0;
  paused = false;
  pings = 0;
  closedWith: number | undefined;
  readonly waiting: { data: Buffer; written: (() => void) | undefined }[] = [];
  readonly corks: string[] = [];
  readonly tcp = {
    bytesRead: 0,
    writableLength: 0,
    _handle: { bytesWritten: 0, writeQueueSize: 0 },
    cork: () => this.corks.push('cork'),
    uncork: () => this.corks.push('uncork'),
  };
  stuck = 0;
  readonly relay: RelaySocket;

  constructor(role: 'executor' | 'harness') {
    super();
    this.relay = new RelaySocket(this as unknown as WebSocket, this.tcp as unknown as Socket, {
      limits: LIMITS,
      excusedWhileHeld: role === 'executor',
      events: {
        onMessage: () => {},
        onStuck: () => {
          this.stuck += 1;
        },
        onClosed: () => {},
      },
    });
  }

  send(data: Buffer, _options: unknown, written?: () => void): void {
    this.waiting.push({ data, written });
    this.#wait(data.length);
    this.tcp._handle.bytesWritten += data.length;
    this.tcp._handle.writeQueueSize += data.length;
  }

  /** The kernel takes some of the first message, without finishing it. */
  nibble(bytes: number): void {
    this.tcp._handle.writeQueueSize -= bytes;
  }

  /** The kernel takes the first message. */
  take(): void {
    const first = this.waiting.shift();
    if (first === undefined) throw new Error('nothing waits');
    this.#wait(-first.data.length);
    this.nibble(first.data.length);
    first.written?.();
  }

  ping(): void {
    this.pings += 1;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  close(code: number): void {
    this.closedWith = code;
    this.readyState = 2;
  }

  terminate(): void {
    this.readyState = 3;
    this.emit('close', 1006);
  }

  #wait(bytes: number): void {
    this.bufferedAmount += bytes;
    this.tcp.writableLength += bytes;
  }
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('a relay socket', () => {
  it('leaves one corked write a tick', () => {
    const [to, from] = [new FakeSocket('harness'), new FakeSocket('executor')];
    for (let count = 0; count < 5; count++) to.relay.send(Buffer.alloc(10), from.relay);
    expect(to.corks).toEqual(['cork']);
    vi.runAllTimers();
    expect(to.corks).toEqual(['cork', 'uncork']);
    to.relay.send(Buffer.alloc(10), from.relay);
    expect(to.corks).toEqual(['cork', 'uncork', 'cork']);
  });

  it('holds senders above the upper bound until it is below the lower one', () => {
    const [to, one, other] = [new FakeSocket('executor'), new FakeSocket('harness'), new FakeSocket('harness')];
    for (let count = 0; count < 10; count++) to.relay.send(Buffer.alloc(100), one.relay);
    expect(one.paused).toBe(false);
    to.relay.send(Buffer.alloc(100), one.relay);
    to.relay.send(Buffer.alloc(100), other.relay);
    expect([one.paused, other.paused]).toEqual([true, true]);
    while (to.bufferedAmount >= 350) to.take();
    expect([one.paused, other.paused]).toEqual([true, true]);
    to.take();
    expect([one.paused, other.paused]).toEqual([false, false]);
  });

  it('lets a sender go on that sent one message larger than the bound', () => {
    const [to, from] = [new FakeSocket('harness'), new FakeSocket('executor')];
    to.relay.send(Buffer.alloc(50_000), from.relay);
    expect(from.paused).toBe(true);
    to.take();
    expect(from.paused).toBe(false);
  });

  it('stays held while any of two destinations is full, or until that one is gone', () => {
    const [one, other, from] = [new FakeSocket('harness'), new FakeSocket('harness'), new FakeSocket('executor')];
    one.relay.send(Buffer.alloc(2000), from.relay);
    other.relay.send(Buffer.alloc(2000), from.relay);
    one.take();
    expect(from.paused).toBe(true);
    other.terminate();
    expect(from.paused).toBe(false);
  });

  it('is not read from while its messages are refused, whoever else holds it', () => {
    const [to, from] = [new FakeSocket('harness'), new FakeSocket('executor')];
    from.relay.read(false);
    to.relay.send(Buffer.alloc(2000), from.relay);
    to.take();
    expect(from.paused).toBe(true);
    from.relay.read(true);
    expect(from.paused).toBe(false);
    to.relay.send(Buffer.alloc(2000), from.relay);
    from.relay.read(false);
    from.relay.read(true);
    expect(from.paused).toBe(true);
    to.take();
    expect(from.paused).toBe(false);
  });

  it('is read from once it is closing, or it would never see the goodbye', () => {
    const socket = new FakeSocket('executor');
    socket.relay.read(false);
    socket.relay.close(1012, 'bye');
    expect(socket.paused).toBe(false);
    socket.relay.read(false);
    expect(socket.paused).toBe(false);
  });

  it('copies small messages only when they must wait, and never large ones', () => {
    const [to, from] = [new FakeSocket('harness'), new FakeSocket('executor')];
    const [early, large, small] = [Buffer.alloc(200), Buffer.alloc(20_000), Buffer.alloc(200)];
    for (const message of [early, large, small, large]) to.relay.send(message, from.relay);
    expect(to.waiting.map(({ data }, index) => data === [early, large, small, large][index])).toEqual([
      true,
      true,
      false,
      true,
    ]);
  });

  it('is stuck when it takes next to nothing for the whole time', () => {
    const [to, from] = [new FakeSocket('harness'), new FakeSocket('executor')];
    to.relay.send(Buffer.alloc(5000), from.relay);
    to.nibble(200);
    vi.advanceTimersByTime(29_999);
    expect(to.stuck).toBe(0);
    vi.advanceTimersByTime(1);
    expect(to.stuck).toBe(1);
  });

  it('is not stuck while it takes something of a large message, and is when it stops', () => {
    const [to, from] = [new FakeSocket('harness'), new FakeSocket('executor')];
    to.relay.send(Buffer.alloc(5000), from.relay);
    for (let times = 0; times < 5; times++) {
      to.nibble(300);
      vi.advanceTimersByTime(30_000);
    }
    expect(to.stuck).toBe(0);
    vi.advanceTimersByTime(30_000);
    expect(to.stuck).toBe(1);
  });

  it('is stuck for nobody once those it held are gone or closed', () => {
    const [to, one, other] = [new FakeSocket('harness'), new FakeSocket('executor'), new FakeSocket('executor')];
    to.relay.send(Buffer.alloc(2000), one.relay);
    to.relay.send(Buffer.alloc(2000), other.relay);
    one.terminate();
    other.relay.close(1012, 'bye');
    expect(other.paused).toBe(false);
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(60_000);
    expect(to.stuck).toBe(0);
  });

  it('excuses an executor for as long as a harness keeps it from being read, and then gives it its time', () => {
    const [executor, harness] = [new FakeSocket('executor'), new FakeSocket('harness')];
    executor.relay.send(Buffer.alloc(2000), harness.relay);
    vi.advanceTimersByTime(10_000);
    harness.relay.send(Buffer.alloc(2000), executor.relay);
    // The executor's time is over first, but it may only be waiting to be read.
    vi.advanceTimersByTime(29_999);
    expect([executor.stuck, harness.stuck]).toEqual([0, 0]);
    vi.advanceTimersByTime(1);
    expect([executor.stuck, harness.stuck]).toEqual([0, 1]);
    harness.relay.close(4002, 'too slow');
    harness.terminate();
    const another = new FakeSocket('harness');
    executor.relay.send(Buffer.alloc(100), another.relay);
    vi.advanceTimersByTime(29_999);
    expect(executor.stuck).toBe(0);
    vi.advanceTimersByTime(1);
    expect(executor.stuck).toBe(1);
  });

  it('gives an executor its whole time after it was released by a harness that drained', () => {
    const [executor, slow, other] = [new FakeSocket('executor'), new FakeSocket('harness'), new FakeSocket('harness')];
    slow.relay.send(Buffer.alloc(2000), executor.relay);
    vi.advanceTimersByTime(1000);
    executor.relay.send(Buffer.alloc(2000), other.relay);
    vi.advanceTimersByTime(28_000);
    slow.take();
    vi.advanceTimersByTime(29_999);
    expect(executor.stuck).toBe(0);
    vi.advanceTimersByTime(1);
    expect(executor.stuck).toBe(1);
  });

  it('sends nothing once it is closing', () => {
    const [to, from] = [new FakeSocket('harness'), new FakeSocket('executor')];
    to.relay.close(4001, 'replaced');
    to.relay.send(Buffer.alloc(2000), from.relay);
    expect([to.waiting.length, from.paused]).toEqual([0, false]);
  });
});

describe('a ping', () => {
  function pingTimes(socket: FakeSocket, times: number, between: () => void = () => {}): void {
    for (let count = 0; count < times; count++) {
      between();
      socket.relay.ping();
    }
  }

  it('is the last of two that brought nothing, and the socket is cut off at the third', () => {
    const socket = new FakeSocket('harness');
    pingTimes(socket, 2, () => {
      socket.tcp.bytesRead += 2;
    });
    pingTimes(socket, 1);
    expect(socket.readyState).toBe(socket.OPEN);
    pingTimes(socket, 1);
    expect(socket.readyState).toBe(3);
    expect(socket.pings).toBe(3);
  });

  it('does not cut off a socket from which anything comes', () => {
    const socket = new FakeSocket('harness');
    pingTimes(socket, 10, () => {
      socket.tcp.bytesRead += 1;
    });
    expect(socket.pings).toBe(10);
  });

  it('does not cut off a held socket, whose answers wait unread', () => {
    const [executor, harness] = [new FakeSocket('executor'), new FakeSocket('harness')];
    harness.relay.send(Buffer.alloc(2000), executor.relay);
    pingTimes(executor, 10);
    expect(executor.pings).toBe(10);
  });

  it('does not cut off a socket whose messages are refused, and whose answers wait unread', () => {
    const socket = new FakeSocket('harness');
    socket.relay.read(false);
    pingTimes(socket, 10);
    expect(socket.pings).toBe(10);
  });

  it('does not cut off a socket that is still taking a large message, but one that no longer does', () => {
    const [executor, harness] = [new FakeSocket('executor'), new FakeSocket('harness')];
    harness.relay.send(Buffer.alloc(50_000), executor.relay);
    pingTimes(harness, 10, () => harness.nibble(100));
    expect(harness.readyState).toBe(harness.OPEN);
    pingTimes(harness, 2);
    expect(harness.readyState).toBe(3);
  });
});
