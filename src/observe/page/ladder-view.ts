/**
 * The pane with the frames of the chosen stream as a sequence diagram: this end on the left, the peer on the right, newest
 * at the bottom.
 */
import { byId, element, setText } from './element.js';
import { lastUpTo } from './history.js';
import type { LadderRow } from './ladder.js';
import { RowList } from './row-list.js';
import type { View } from './view.js';
import { bytesText, clockText, msText } from './words.js';

const ROW_HEIGHT = 40;
/** Cells of the row of ack_bits. */
const CELLS = 32;
/** A pause this long is told. */
const PAUSE_MS = 200;

export class LadderView {
  readonly #view: View;
  readonly #rows: RowList<HTMLElement>;
  readonly #empty = byId('ladder-empty', HTMLElement);
  readonly #ends = byId('ladder-ends', HTMLElement);
  /** At whom, and when. */
  #looked = '';
  #shown: readonly LadderRow[] = [];
  #length = 0;

  constructor(view: View) {
    this.#view = view;
    const list = byId('ladder', HTMLElement);
    this.#rows = new RowList(list, {
      rowHeight: ROW_HEIGHT,
      create: rungRow,
      key: (index) => this.#keyOf(index),
      fill: (row, index) => this.#fill(row, index),
    });
    list.addEventListener('click', ({ target }) => {
      const row = target instanceof Element ? target.closest<HTMLElement>('[data-moment]') : null;
      if (row?.dataset.moment !== undefined) view.pauseAt(Number(row.dataset.moment));
    });
  }

  draw(): void {
    const { selected, history, isLive, moment, cursor } = this.#view;
    this.#shown = history.ladderOf(selected)?.rows ?? [];
    this.#length = isLive ? this.#shown.length : lastUpTo(this.#shown, moment) + 1;
    const isStream = selected?.chart === 'stream';
    this.#empty.hidden = this.#length > 0;
    setText(this.#empty, isStream ? 'No frame has passed since the page looks at this stream.' : NO_STREAM);
    this.#ends.hidden = !isStream;
    const role = selected?.facts.role === 'harness' ? 'harness' : 'executor';
    setText(this.#ends.children[0] as Element, `this end (${role})`);
    setText(this.#ends.children[1] as Element, role === 'harness' ? 'executor' : 'harness');
    const looked = `${selected?.actor} ${cursor}`;
    if (looked !== this.#looked) this.#rows.follow();
    this.#looked = looked;
    this.#rows.show(this.#length);
  }

  #keyOf(index: number): string {
    const row = this.#shown[index];
    return row === undefined ? '' : `${row.moment} ${row.moment === this.#view.cursor}`;
  }

  #fill(element: HTMLElement, index: number): void {
    const row = this.#shown[index];
    if (row === undefined) return;
    const { frame, kind, note, part, odd, moment } = row;
    const { history, cursor } = this.#view;
    const [time, lane] = element.children as unknown as [HTMLElement, HTMLElement];
    const [what, noteCell, acks, bits] = lane.children as unknown as [
      HTMLElement,
      HTMLElement,
      HTMLElement,
      HTMLElement,
    ];
    const { dataset } = element;
    dataset.moment = String(moment);
    dataset.dir = frame.dir;
    dataset.kind = kind;
    dataset.body = frame.kind;
    dataset.part = part;
    dataset.odd = String(odd);
    element.classList.toggle('current', moment === cursor);
    const before = this.#shown[index - 1];
    const pause = before === undefined ? 0 : frame.at - before.frame.at;
    setText(time, pause > PAUSE_MS ? `+${msText(pause)}` : clockText(frame.at, history.started?.at ?? 0));
    time.classList.toggle('pause', pause > PAUSE_MS);
    time.title = `${clockText(frame.at, history.started?.at ?? 0)} s`;
    setText(what, bodyText(row));
    setText(noteCell, note);
    setText(acks, frame.reliable ? `ack ${frame.ack}` : '');
    // A row of empty cells says nothing that ack does not.
    bits.hidden = frame.ackBits === 0;
    const bitsText = cells(frame.ackBits);
    if (bits.dataset.bits !== bitsText) {
      bits.dataset.bits = bitsText;
      bits.style.backgroundImage = bitsText;
    }
    element.setAttribute('aria-label', spoken(row));
    element.title = spoken(row);
  }
}

const NO_STREAM = 'Choose a stream to see its frames. Each line is one relay frame between this end and its peer.';

function bodyText({ frame }: LadderRow): string {
  switch (frame.kind) {
    case 'data': {
      const segment = (frame.count ?? 1) > 1 ? ` · ${(frame.index ?? 0) + 1} of ${frame.count}` : '';
      return `data ${frame.seq}${segment} · ${bytesText(frame.bytes ?? 0)}`;
    }
    case 'resume':
      return `resume · next ${frame.nextSeq}`;
    case 'handshake':
      return `handshake · ${bytesText(frame.bytes ?? 0)}`;
    default:
      return frame.kind;
  }
}

function spoken(row: LadderRow): string {
  const { frame, note } = row;
  const bits = frame.ackBits === 0 ? '' : `, ack bits ${(frame.ackBits >>> 0).toString(2)}`;
  const acked = frame.reliable ? `, ack ${frame.ack}${bits}` : '';
  return `${frame.dir === 'in' ? 'received' : 'sent'} ${bodyText(row)}${acked}${note === '' ? '' : `: ${note}`}`;
}

const drawn = new Map<number, string>();
const MOST_DRAWN = 512;
const CELL_PX = 3;

/** One gradient instead of 32 elements. Bit i is the i-th cell; up to the last one that is set, the rest is empty. */
function cells(ackBits: number): string {
  const known = drawn.get(ackBits);
  if (known !== undefined) return known;
  const stops: string[] = [];
  for (let bit = 0; bit < CELLS; bit += 1) {
    const colour = (ackBits >>> bit) & 1 ? 'var(--bit-on)' : 'var(--bit-off)';
    const start = bit * CELL_PX;
    stops.push(
      `${colour} ${start}px ${start + CELL_PX - 1}px`,
      `transparent ${start + CELL_PX - 1}px ${start + CELL_PX}px`,
    );
  }
  if (drawn.size >= MOST_DRAWN) drawn.clear();
  const gradient = `linear-gradient(to right, ${stops.join(', ')})`;
  drawn.set(ackBits, gradient);
  return gradient;
}

function rungRow(): HTMLElement {
  const row = element('div', 'rung');
  row.setAttribute('role', 'listitem');
  const lane = element('div', 'lane');
  lane.append(
    element('span', 'what'),
    element('span', 'note'),
    element('span', 'acks'),
    element('i', 'bits'),
    element('b', 'arrow'),
  );
  row.append(element('time'), lane);
  return row;
}
