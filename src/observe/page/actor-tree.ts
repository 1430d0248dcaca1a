/**
 * The pane that lists the actors: a tree, or a flat list when it is sorted or searched.
 */
import { byId, element, setText } from './element.js';
import type { KnownActor } from './history.js';
import { RowList } from './row-list.js';
import type { View } from './view.js';
import { nameText, stateText } from './words.js';

type Order = 'tree' | 'name' | 'state' | 'recent';

const ROW_HEIGHT = 30;
/** A sorted list is put in order only so often, or it would never hold still. */
const SORT_MS = 500;

export class ActorTree {
  readonly #view: View;
  readonly #tree = byId('tree', HTMLElement);
  readonly #search = byId('search', HTMLInputElement);
  readonly #order = byId('order', HTMLSelectElement);
  readonly #crashedOnly = byId('crashed', HTMLButtonElement);
  readonly #count = byId('actor-count', HTMLElement);
  readonly #empty = byId('tree-empty', HTMLElement);
  readonly #rows: RowList<HTMLElement>;
  #listed: readonly KnownActor[] = [];
  #listedAt = 0;
  #listedVersion = -1;
  #isStale = true;
  #isDue = false;

  constructor(view: View) {
    this.#view = view;
    this.#rows = new RowList(this.#tree, {
      rowHeight: ROW_HEIGHT,
      create: actorRow,
      key: (index) => this.#keyOf(index),
      fill: (row, index) => this.#fill(row, index),
    });
    this.#tree.addEventListener('click', ({ target }) => {
      const row = target instanceof Element ? target.closest<HTMLElement>('[data-actor]') : null;
      if (row?.dataset.actor !== undefined) view.select(row.dataset.actor);
    });
    this.#tree.addEventListener('keydown', (event) => this.#walk(event));
    this.#search.addEventListener('input', () => this.refresh());
    this.#order.addEventListener('change', () => this.refresh());
    this.#crashedOnly.addEventListener('click', () => {
      const pressed = this.#crashedOnly.getAttribute('aria-pressed') === 'true';
      this.#crashedOnly.setAttribute('aria-pressed', String(!pressed));
      this.refresh();
    });
  }

  focusSearch(): void {
    this.#search.focus();
    this.#search.select();
  }

  refresh(): void {
    this.#isStale = true;
    this.draw();
  }

  draw(): void {
    const { history } = this.#view;
    if (this.#isStale) this.#list();
    else if (history.version !== this.#listedVersion) this.#listSoon();
    this.#rows.show(this.#listed.length);
    const selected = this.#view.selected;
    const index = selected === undefined ? -1 : this.#listed.indexOf(selected);
    const row = index === -1 ? undefined : this.#rows.rowAt(index);
    if (row === undefined) this.#tree.removeAttribute('aria-activedescendant');
    else this.#tree.setAttribute('aria-activedescendant', row.id);
  }

  /** Brings the chosen one into sight. */
  reveal(): void {
    const selected = this.#view.selected;
    const index = selected === undefined ? -1 : this.#listed.indexOf(selected);
    if (index !== -1) this.#rows.reveal(index);
  }

  #listSoon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    const age = performance.now() - this.#listedAt;
    setTimeout(
      () => {
        this.#isDue = false;
        this.refresh();
      },
      Math.max(0, SORT_MS - age),
    );
  }

  #list(): void {
    const { history } = this.#view;
    this.#isStale = false;
    this.#listedAt = performance.now();
    this.#listedVersion = history.version;
    const wanted = this.#search.value.trim().toLowerCase();
    const crashedOnly = this.#crashedOnly.getAttribute('aria-pressed') === 'true';
    const all = [...history.actors.values()];
    const crashed = all.filter(({ status }) => status === 'error').length;
    setText(this.#count, `${all.filter(({ status }) => status === 'active').length}`);
    setText(this.#crashedOnly, crashed === 1 ? '1 crashed' : `${crashed} crashed`);
    this.#crashedOnly.hidden = crashed === 0 && !crashedOnly;
    const order = this.#order.value as Order;
    const matching = all.filter(
      (actor) => (!crashedOnly || actor.status === 'error') && (wanted === '' || searchText(actor).includes(wanted)),
    );
    this.#listed = order === 'tree' ? inTree(matching) : matching.sort(orders[order]);
    this.#empty.hidden = this.#listed.length > 0;
    setText(
      this.#empty,
      all.length === 0
        ? 'Waiting for the program to say who is there…'
        : 'No actor is called so. Clear the search to see all.',
    );
  }

  #keyOf(index: number): string {
    const actor = this.#listed[index];
    if (actor === undefined) return '';
    const standing = this.#view.history.standing(actor, this.#view.cursor);
    const isSelected = actor === this.#view.selected;
    return `${actor.actor} ${isSelected} ${standing?.status} ${standing?.states.join()} ${this.#order.value}`;
  }

  #fill(row: HTMLElement, index: number): void {
    const actor = this.#listed[index];
    if (actor === undefined) return;
    const standing = this.#view.history.standing(actor, this.#view.cursor);
    const status = standing?.status ?? 'absent';
    const [dot, name, state] = row.children;
    row.dataset.actor = actor.actor;
    row.dataset.status = status;
    row.setAttribute('aria-level', String(actor.depth + 1));
    row.setAttribute('aria-selected', String(actor === this.#view.selected));
    const depth = this.#order.value === 'tree' ? actor.depth : 0;
    row.style.paddingInlineStart = `${10 + depth * 15}px`;
    const text =
      status === 'error'
        ? (actor.error?.code ?? actor.error?.name ?? 'crashed')
        : stateText(standing?.states ?? [], actor.chart);
    const shown = status === 'active' ? text : status === 'absent' ? 'not there yet' : `${statusText[status]} ${text}`;
    if (name !== undefined) setText(name, nameText(actor.id));
    if (state !== undefined) setText(state, shown);
    if (dot instanceof HTMLElement) dot.title = status;
    row.title = actor.error === undefined ? `${actor.id}\n${shown}` : `${actor.id}\n${actor.error.message}`;
    row.setAttribute('aria-label', `${actor.id}, ${status === 'active' ? '' : status} ${text}`);
  }

  #walk(event: KeyboardEvent): void {
    const steps: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1, PageDown: 12, PageUp: -12 };
    const far: Readonly<Record<string, number>> = { Home: 0, End: this.#listed.length - 1 };
    const selected = this.#view.selected;
    const from = selected === undefined ? -1 : this.#listed.indexOf(selected);
    let to = far[event.key] ?? (steps[event.key] === undefined ? -1 : from + (steps[event.key] ?? 0));
    if (event.key === 'ArrowLeft') to = this.#listed.findIndex(({ actor }) => actor === selected?.parent);
    if (event.key === 'ArrowRight') to = this.#listed.findIndex(({ parent }) => parent === selected?.actor);
    if (far[event.key] === undefined && steps[event.key] === undefined && !event.key.startsWith('Arrow')) return;
    event.preventDefault();
    const next = this.#listed[Math.min(Math.max(to, 0), this.#listed.length - 1)];
    if (to === -1 || next === undefined) return;
    this.#view.select(next.actor);
    this.#rows.reveal(this.#listed.indexOf(next));
  }
}

const statusText: Readonly<Record<string, string>> = { done: 'over:', stopped: 'stopped:', error: 'crashed:' };

const orders: Readonly<Record<Exclude<Order, 'tree'>, (one: KnownActor, other: KnownActor) => number>> = {
  name: (one, other) => one.id.localeCompare(other.id),
  state: (one, other) => stateText(one.states, one.chart).localeCompare(stateText(other.states, other.chart)),
  recent: (one, other) => other.heardAt - one.heardAt,
};

function searchText({ id, states, status, error }: KnownActor): string {
  return `${id} ${states.join(' ')} ${status} ${error?.code ?? ''} ${error?.name ?? ''}`.toLowerCase();
}

/** Children under their parent; of those whose parent is not listed, in the order they came. */
function inTree(actors: readonly KnownActor[]): KnownActor[] {
  const children = new Map<string | undefined, KnownActor[]>();
  const listed = new Set(actors.map(({ actor }) => actor));
  for (const actor of actors) {
    const parent = actor.parent !== undefined && listed.has(actor.parent) ? actor.parent : undefined;
    const siblings = children.get(parent);
    if (siblings === undefined) children.set(parent, [actor]);
    else siblings.push(actor);
  }
  const rows: KnownActor[] = [];
  const add = (parent: string | undefined) => {
    for (const actor of children.get(parent) ?? []) {
      rows.push(actor);
      add(actor.actor);
    }
  };
  add(undefined);
  return rows;
}

let rowsMade = 0;

function actorRow(): HTMLElement {
  const row = element('div', 'actor');
  row.setAttribute('role', 'treeitem');
  row.id = `actor-${rowsMade++}`;
  row.append(element('span', 'dot'), element('span', 'name'), element('span', 'state'));
  return row;
}
