/**
 * Two of our ends whose rendezvous is in an attacker's hand: production endpoints and handshakes on a virtual clock, and
 * between them somebody who sees every frame and may do with it what he likes. The registry is honest; it is what both
 * ends trust.
 */
import { createActor } from 'xstate';
import { connectionMachine } from '../../machines/connection.machine.js';
import { defaultConnectionTiming } from '../../machines/connection-types.js';
import { defaultStreamTiming, type RelayRole, type StreamEnd } from '../../machines/stream-types.js';
import type { Frame } from '../../proto/frame.js';
import { decodeFrame, encodeFrame } from '../../proto/frame-codec.js';
import { defaultLimits } from '../../proto/limits.js';
import type { CarrierListener } from '../../src/carrier/carrier.js';
import { RelayEndpoint } from '../../src/carrier/relay-endpoint.js';
import type { StreamChannel } from '../../src/carrier/stream-channel.js';
import { AuthorizationOffice } from '../../src/noise/authorization-office.js';
import { NoiseIdentity } from '../../src/noise/identity.js';
import { InitiatorOffice } from '../../src/noise/initiator-office.js';
import { ResponderOffice } from '../../src/noise/responder-office.js';
import { type Logger, silentLog } from '../../src/observe/log.js';
import { StepClock } from '../stand-ins/step-clock.js';
import { InlineKem } from './inline-kem.js';

export const REGISTRATION = { environmentId: 'box1', registrationId: 'registration-1' };

export interface Side {
  readonly channel: StreamChannel;
  readonly received: string[];
  end: StreamEnd | undefined;
}

/** What becomes of a frame: other frames in its place, or none. */
export type Attack = (frame: Frame, from: RelayRole) => readonly Frame[];

export class HostileRelay {
  readonly clock = new StepClock();
  readonly kem = new InlineKem();
  readonly harness: RelayEndpoint;
  readonly executor: RelayEndpoint;
  readonly initiator: InitiatorOffice;
  /** Streams that the executor has let somebody use. */
  readonly accepted = new Map<string, Side>();
  /** Every frame that came to the attacker, and from where. */
  readonly seen: { readonly from: RelayRole; readonly frame: Frame; readonly bytes: Uint8Array }[] = [];
  /** Why the executor refused handshakes. */
  readonly warnings: unknown[] = [];
  attack: Attack = (frame) => [frame];
  readonly #listeners = new Map<RelayRole, CarrierListener>();

  static async start(): Promise<HostileRelay> {
    const kem = new InlineKem();
    const [executorIdentity, harnessIdentity] = [await NoiseIdentity.generate(kem), await NoiseIdentity.generate(kem)];
    const relay = new HostileRelay(executorIdentity, harnessIdentity);
    await relay.until(() => relay.harness.isOnline && relay.executor.isOnline);
    return relay;
  }

  private constructor(
    readonly executorIdentity: NoiseIdentity,
    readonly harnessIdentity: NoiseIdentity,
  ) {
    const registry = new AuthorizationOffice();
    const { messageBytes } = defaultLimits;
    this.initiator = new InitiatorOffice({
      identity: Promise.resolve(harnessIdentity),
      kem: this.kem,
      bundle: () => ({
        ...REGISTRATION,
        url: 'memory:',
        executorKey: executorIdentity.publicKey,
        authorization: registry.issue({ ...REGISTRATION, harnessKey: harnessIdentity.publicKey }),
      }),
      messageBytes,
    });
    const responder = new ResponderOffice({
      identity: Promise.resolve(executorIdentity),
      kem: this.kem,
      registration: () => REGISTRATION,
      ask: async ({ authorization, harnessKey }) =>
        registry.redeem(authorization, { ...REGISTRATION, harnessKey }) === undefined ? 'granted' : 'refused',
      log: { ...silentLog, warn: (what: unknown) => void this.warnings.push(what) } as Logger,
      messageBytes,
    });
    this.harness = this.#endpoint('harness', { initiator: this.initiator });
    this.executor = this.#endpoint('executor', { responder });
  }

  /** Asks for a stream; answers `re X` come to what is sent. */
  open(streamId: string): Side & { isOpen: boolean } {
    const received: string[] = [];
    let side: (Side & { isOpen: boolean }) | undefined;
    const channel = this.harness.open(streamId, () => ({
      opened: () => {
        if (side) side.isOpen = true;
      },
      receive: (messages) => received.push(...messages.map(textOf)),
      ended: (end) => {
        if (side) side.end = end;
      },
    }));
    side = { channel, received, end: undefined, isOpen: false };
    return side;
  }

  /** The attacker sends a frame of his own making to an end. */
  inject(to: RelayRole, frame: Frame): void {
    const bytes = Buffer.from(encodeFrame(frame));
    this.clock.setTimeout(() => this.#listeners.get(to)?.message(bytes), 1);
  }

  until(predicate: () => boolean, maxMs = 20_000): Promise<boolean> {
    return this.clock.runUntilAsync(predicate, maxMs);
  }

  #endpoint(
    role: RelayRole,
    handshakes: { readonly initiator: InitiatorOffice } | { readonly responder: ResponderOffice },
  ): RelayEndpoint {
    const { clock } = this;
    return new RelayEndpoint({
      role,
      retry: 'always',
      encryption: 'always',
      ...handshakes,
      clock,
      log: silentLog,
      limits: defaultLimits,
      timing: defaultConnectionTiming,
      streamTiming: defaultStreamTiming,
      random: () => 0.5,
      locate: () => Promise.resolve({ url: 'memory:' }),
      openCarrier: (_url, listener) => this.#carrier(role, listener),
      accept: (channel) => {
        const side: Side = { channel, received: [], end: undefined };
        this.accepted.set(channel.streamId, side);
        return {
          receive: (messages) => {
            for (const text of messages.map(textOf)) {
              side.received.push(text);
              channel.send(Buffer.from(`re ${text}`));
            }
          },
          ended: (end) => {
            side.end = end;
          },
        };
      },
      start: (input) => createActor(connectionMachine, { input, clock }).start(),
    });
  }

  #carrier(role: RelayRole, listener: CarrierListener) {
    const { clock } = this;
    this.#listeners.set(role, listener);
    clock.setTimeout(() => listener.opened(), 0);
    return {
      bufferedBytes: 0,
      send: (bytes: Uint8Array) => {
        const frame = decodeFrame(Buffer.from(bytes));
        this.seen.push({ from: role, frame, bytes: Uint8Array.from(bytes) });
        const to = role === 'harness' ? 'executor' : 'harness';
        for (const passed of this.attack(frame, role)) this.inject(to, passed);
      },
      onDrained: () => {},
      ping: () => void clock.setTimeout(() => listener.ponged(), 0),
      setReading: () => {},
      close: (code: number, reason: string) => listener.closed(code, reason),
      destroy: () => {},
    };
  }
}

function textOf(message: Uint8Array): string {
  return Buffer.from(message).toString('utf8');
}
