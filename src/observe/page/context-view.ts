/**
 * The pane with the context of the chosen actor: numbers and words, in groups, with what changed last marked.
 */
import type { Facts } from '../record.js';
import { byId, element, setText } from './element.js';
import type { View } from './view.js';
import { bytesText, msText } from './words.js';

export class ContextView {
  readonly #view: View;
  readonly #host = byId('context', HTMLElement);
  #actor: string | undefined;
  #names = '';
  #values = new Map<string, HTMLElement>();
  #last: Facts = {};

  constructor(view: View) {
    this.#view = view;
  }

  draw(): void {
    const { selected, cursor, history } = this.#view;
    const facts = (selected === undefined ? undefined : history.standing(selected, cursor)?.facts) ?? {};
    const names = Object.keys(facts).join();
    if (selected?.actor !== this.#actor || names !== this.#names) {
      this.#actor = selected?.actor;
      this.#names = names;
      this.#build(facts);
      this.#last = facts;
    }
    if (facts === this.#last) return;
    for (const [name, value] of Object.entries(facts)) {
      const cell = this.#values.get(name);
      if (cell === undefined) continue;
      cell.classList.toggle('changed', this.#last[name] !== value);
      setText(cell, valueText(name, value));
    }
    this.#last = facts;
  }

  #build(facts: Facts): void {
    this.#values = new Map();
    const groups = new Map<string, [string, number | string | boolean][]>();
    for (const [name, value] of Object.entries(facts)) {
      const dot = name.indexOf('.');
      const group = dot === -1 ? '' : name.slice(0, dot);
      groups.set(group, [...(groups.get(group) ?? []), [name, value]]);
    }
    const sections = [...groups].map(([group, entries]) => {
      const section = element('section');
      section.append(element('h3', '', group === '' ? 'itself' : (groupNames[group] ?? group)));
      const list = element('dl');
      for (const [name, value] of entries) {
        const cell = element('dd', '', valueText(name, value));
        this.#values.set(name, cell);
        const row = element('div');
        row.append(element('dt', '', name.slice(name.indexOf('.') + 1)), cell);
        list.append(row);
      }
      section.append(list);
      return section;
    });
    this.#host.replaceChildren(
      ...(sections.length > 0 ? sections : [element('p', 'empty', 'Nothing of this actor’s context is shown.')]),
    );
  }
}

const groupNames: Readonly<Record<string, string>> = {
  roundTrip: 'round trip',
  counted: 'counted so far',
};

function valueText(name: string, value: number | string | boolean): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'string') return value;
  if (/Bytes$/.test(name)) return bytesText(value);
  if (/Ms$/.test(name)) return msText(value);
  if (name === 'receive.ackBits') return value === 0 ? '0' : `0b${(value >>> 0).toString(2)}`;
  return Number.isInteger(value) ? String(value) : value.toFixed(3);
}
