/**
 * Speaks the records of the Stately inspector, whose page is a third party's: which actors there are with their whole
 * definitions, which states they are in, names of events, and numbers. Not one word goes there that came from outside
 * this program, not even an id.
 */
import type { AnyEventObject, Snapshot } from 'xstate';
import { contextFacts } from './context-facts.js';
import { errorFacts } from './error-facts.js';
import { eventFacts } from './event-facts.js';
import type { Observation, ObservationListener, ObservedActor } from './observation.js';
import type { Facts } from './record.js';
import { isMachineSnapshot } from './state-facts.js';
import type { ViewerSocket } from './viewer.js';

/** The records are those of `@statelyai/inspect` 0.7. */
const VERSION = '0.7.2';
const SLOW_BYTES = 4 * 1024 * 1024;
const LOOK_AGAIN_MS = 250;

/** What only XState's own definitions hold, and nothing that was put there while running. */
const definitions = new WeakMap<object, string>();

export class StatelyViewer implements ObservationListener {
  readonly #observation: Observation;
  readonly #socket: ViewerSocket;
  readonly #timer: NodeJS.Timeout;
  #leave: () => void;
  /** The page did not keep up: it is told nothing until it has taken what it has, then what is there anew. */
  #isBehind = false;

  constructor(observation: Observation, socket: ViewerSocket) {
    this.#observation = observation;
    this.#socket = socket;
    this.#leave = observation.listen(this);
    this.#timer = setInterval(() => this.#lookAgain(), LOOK_AGAIN_MS);
    this.#timer.unref();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#leave();
  }

  appeared(actor: ObservedActor, snapshot: Snapshot<unknown> | undefined): void {
    const { chart, sessionId, ref, parent } = actor;
    this.#send(actor, {
      type: '@xstate.actor',
      name: chart === undefined ? withoutId(actor.id) : `${chart} ${sessionId}`,
      definition: definitionOf(ref, chart ?? withoutId(actor.id)),
      parentId: parent,
      snapshot: shownSnapshot(snapshot),
    });
  }

  received(actor: ObservedActor, event: AnyEventObject, source: ObservedActor | undefined): void {
    this.#send(actor, { type: '@xstate.event', sourceId: source?.sessionId, event: shownEvent(event) });
  }

  settled(actor: ObservedActor, event: AnyEventObject, snapshot: Snapshot<unknown>): void {
    this.#send(actor, { type: '@xstate.snapshot', event: shownEvent(event), snapshot: shownSnapshot(snapshot) });
  }

  ended(actor: ObservedActor, snapshot: Snapshot<unknown>, error?: unknown): void {
    // One that ended well has settled with its last state.
    if (error === undefined) return;
    const shown = { ...shownSnapshot(snapshot), status: 'error', error: { name: errorFacts(error).name } };
    this.#send(actor, { type: '@xstate.snapshot', event: { type: 'xstate.error' }, snapshot: shown });
  }

  // It shows actors; frames are for our own page.
  endpoint(): void {}
  stepped(): void {}
  framesSent(): void {}
  framesResent(): void {}
  framesReceived(): void {}
  frameRejected(): void {}
  chanceDrawn(): void {}

  #send(actor: ObservedActor, fields: object): void {
    if (this.#isBehind) return;
    if (this.#socket.bufferedAmount > SLOW_BYTES) {
      this.#isBehind = true;
      return;
    }
    const common = {
      _version: VERSION,
      createdAt: String(Date.now()),
      id: null,
      rootId: rootOf(actor),
      sessionId: actor.sessionId,
    };
    this.#socket.send(JSON.stringify({ ...fields, ...common }));
  }

  #lookAgain(): void {
    if (!this.#isBehind || this.#socket.bufferedAmount > 0) return;
    this.#isBehind = false;
    this.#leave();
    this.#leave = this.#observation.listen(this);
  }
}

function rootOf({ ref }: ObservedActor): string {
  let root = ref;
  while (root._parent !== undefined) root = root._parent;
  return root.sessionId;
}

function definitionOf(ref: ObservedActor['ref'], id: string): string {
  const { logic } = ref as { readonly logic?: { readonly config?: object } };
  const config = logic?.config;
  if (typeof config !== 'object') return JSON.stringify({ id });
  let definition = definitions.get(config);
  if (definition === undefined) {
    definition = JSON.stringify(config);
    definitions.set(config, definition);
  }
  return definition;
}

function shownSnapshot(snapshot: Snapshot<unknown> | undefined): object {
  if (!isMachineSnapshot(snapshot)) return { status: snapshot?.status ?? 'active', context: {} };
  const { status, value } = snapshot;
  return { status, value, context: numbersOf(contextFacts(snapshot)), tags: [], children: {}, historyValue: {} };
}

function shownEvent(event: AnyEventObject): AnyEventObject {
  return { ...numbersOf(eventFacts(event)), type: withoutId(event.type) };
}

/** `xstate.done.actor.stream:ID` ends with an id, as does the name of an actor. */
function withoutId(name: string): string {
  const colon = name.indexOf(':');
  return colon === -1 ? name : name.slice(0, colon);
}

function numbersOf(facts: Facts): Record<string, number | boolean> {
  const numbers: Record<string, number | boolean> = {};
  for (const [name, value] of Object.entries(facts)) if (typeof value !== 'string') numbers[name] = value;
  return numbers;
}
