/**
 * The pane with the events of the chosen actor, newest at the bottom, with a filter.
 */
import { byId, element, setText } from './element.js';
import { lastUpTo, type OwnRecord, type Told } from './history.js';
import { RowList } from './row-list.js';
import type { View } from './view.js';
import { bytesText, clockText, eventText, nameText } from './words.js';

const ROW_HEIGHT = 26;

export class EventLog {
  readonly #view: View;
  readonly #filter = byId('event-filter', HTMLInputElement);
  readonly #empty = byId('events-empty', HTMLElement);
  readonly #rows: RowList<HTMLElement>;
  /** At whom, and when. */
  #looked = '';
  #shown: readonly Told<OwnRecord>[] = [];

  constructor(view: View) {
    this.#view = view;
    const list = byId('events', HTMLElement);
    this.#rows = new RowList(list, {
      rowHeight: ROW_HEIGHT,
      create: eventRow,
      key: (index) => this.#keyOf(index),
      fill: (row, index) => this.#fill(row, index),
    });
    list.addEventListener('click', ({ target }) => {
      const row = target instanceof Element ? target.closest<HTMLElement>('[data-moment]') : null;
      if (row?.dataset.moment !== undefined) view.pauseAt(Number(row.dataset.moment));
    });
    this.#filter.addEventListener('input', () => this.draw());
  }

  draw(): void {
    const { selected, isLive, moment, cursor } = this.#view;
    const wanted = this.#filter.value.trim().toLowerCase();
    const own = selected?.own ?? [];
    const seen = isLive ? own : own.slice(0, lastUpTo(own, moment) + 1);
    this.#shown = seen.filter((told) => isShown(told) && (wanted === '' || matches(told, wanted)));
    this.#empty.hidden = this.#shown.length > 0;
    setText(this.#empty, emptyText(own.length, wanted));
    const looked = `${selected?.actor} ${cursor}`;
    if (looked !== this.#looked) this.#rows.follow();
    this.#looked = looked;
    this.#rows.show(this.#shown.length);
  }

  #keyOf(index: number): string {
    const told = this.#shown[index];
    return told === undefined ? '' : `${told.moment} ${told.moment === this.#view.cursor}`;
  }

  #fill(row: HTMLElement, index: number): void {
    const told = this.#shown[index];
    if (told === undefined) return;
    const { record } = told;
    const { history, cursor } = this.#view;
    const [time, name, detail] = row.children;
    row.dataset.moment = String(told.moment);
    row.dataset.type = record.type;
    row.classList.toggle('current', told.moment === cursor);
    const [what, how] = describe(record, (actor) => nameText(history.actors.get(actor)?.id ?? actor));
    if (time !== undefined) setText(time, clockText(record.at, history.started?.at ?? 0));
    if (name !== undefined) setText(name, what);
    if (detail !== undefined) setText(detail, how);
    row.title = how;
  }
}

/** What an event led to has a row of its own, unless it led nowhere. */
function isShown({ record }: Told<OwnRecord>): boolean {
  return record.type !== 'actor.changed' || record.edges.length > 0;
}

function matches({ record }: Told<OwnRecord>, wanted: string): boolean {
  if ('event' in record && record.event.toLowerCase().includes(wanted)) return true;
  if ('edges' in record && record.edges.some((edge) => edge.toLowerCase().includes(wanted))) return true;
  return 'states' in record && record.states.some((state) => state.toLowerCase().includes(wanted));
}

function describe(record: OwnRecord, nameOf: (actor: string) => string): [string, string] {
  switch (record.type) {
    case 'actor.received': {
      const facts = Object.entries(record.facts).map(([name, value]) =>
        name === 'bytes' && typeof value === 'number' ? bytesText(value) : `${name} ${value}`,
      );
      const from = record.source === undefined ? [] : [`from ${nameOf(record.source)}`];
      return [eventText(record.event), [...from, ...facts].join(' · ')];
    }
    case 'actor.changed':
      return ['→', record.edges.map(edgeText).join(', ')];
    case 'actor.sampled':
      return ['…', 'steps left out: it is one of many and nobody looked at it'];
    case 'actor.ended':
      return [
        record.status === 'error' ? 'crashed' : record.status === 'done' ? 'over' : 'stopped',
        record.error === undefined ? record.states.join(' ') : `${record.error.name}: ${record.error.message}`,
      ];
  }
}

/** `stream.reliable.sending.idle||0` is told as `idle: always`. */
function edgeText(edge: string): string {
  const [source = '', event = ''] = edge.split('|');
  const state = source.split('.').at(-1) ?? source;
  return `${state}: ${event === '' ? 'always' : eventText(event)}`;
}

function emptyText(own: number, wanted: string): string {
  if (own === 0) return 'Nothing has happened to this actor since the page looks at it.';
  return wanted === '' ? 'Nothing had happened yet at this moment.' : 'No event matches the filter.';
}

function eventRow(): HTMLElement {
  const row = element('div', 'event');
  row.setAttribute('role', 'listitem');
  row.append(element('time'), element('span', 'name'), element('span', 'detail'));
  return row;
}
