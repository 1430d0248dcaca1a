/**
 * A list of any length of which only the rows in sight exist.
 */
import { element } from './element.js';

export interface RowListOptions<Row extends HTMLElement> {
  readonly rowHeight: number;
  /** An empty row. */
  create(): Row;
  /** What the row at this index shows, as a key: a row whose key is the same is left alone. */
  key(index: number): string;
  fill(row: Row, index: number): void;
}

/** Rows made beyond what is in sight, so that scrolling never shows a hole. */
const SPARE = 6;

export class RowList<Row extends HTMLElement> {
  readonly #scroller: HTMLElement;
  readonly #options: RowListOptions<Row>;
  readonly #room: HTMLElement;
  readonly #rows: { readonly row: Row; key: string; index: number }[] = [];
  #count = 0;
  /** The end stays in sight while more comes, until somebody scrolls away from it. */
  #follows = false;

  constructor(scroller: HTMLElement, options: RowListOptions<Row>) {
    this.#scroller = scroller;
    this.#options = options;
    this.#room = element('div', 'room');
    this.#room.setAttribute('role', 'presentation');
    scroller.append(this.#room);
    const scrolled = () => {
      this.#follows &&= this.#isAtEnd;
      this.#draw();
    };
    scroller.addEventListener('scroll', scrolled, { passive: true });
    new ResizeObserver(() => this.#draw()).observe(scroller);
  }

  /** From now on the end stays in sight. */
  follow(): void {
    this.#follows = true;
  }

  get #isAtEnd(): boolean {
    const { scrollTop, clientHeight, scrollHeight } = this.#scroller;
    return scrollTop + clientHeight > scrollHeight - this.#options.rowHeight;
  }

  show(count: number): void {
    if (count !== this.#count) {
      this.#count = count;
      this.#room.style.height = `${count * this.#options.rowHeight}px`;
    }
    if (this.#follows) this.#scroller.scrollTop = count * this.#options.rowHeight;
    this.#draw();
  }

  reveal(index: number): void {
    const { rowHeight } = this.#options;
    const top = index * rowHeight;
    const { scrollTop, clientHeight } = this.#scroller;
    if (top < scrollTop) this.#scroller.scrollTop = top;
    else if (top + rowHeight > scrollTop + clientHeight) this.#scroller.scrollTop = top + rowHeight - clientHeight;
  }

  /** The row that shows this index, if it is in sight. */
  rowAt(index: number): Row | undefined {
    return this.#rows.find((one) => one.index === index)?.row;
  }

  #draw(): void {
    const { rowHeight, create, key, fill } = this.#options;
    const first = Math.max(0, Math.floor(this.#scroller.scrollTop / rowHeight) - SPARE);
    const size = Math.ceil(this.#scroller.clientHeight / rowHeight) + 2 * SPARE;
    const last = Math.min(this.#count, first + size);
    while (this.#rows.length < Math.min(size, this.#count)) {
      const row = create();
      row.style.height = `${rowHeight}px`;
      this.#room.append(row);
      this.#rows.push({ row, key: '', index: -1 });
    }
    const slots = this.#rows.length;
    for (const [slot, one] of this.#rows.entries()) {
      // The only index in sight that this slot can have: rows that stay in sight keep their element.
      const index = slots === 0 ? -1 : first + ((((slot - first) % slots) + slots) % slots);
      if (index >= last) {
        if (one.index !== -1) one.row.hidden = true;
        one.index = -1;
        one.key = '';
        continue;
      }
      if (one.index !== index) {
        one.row.hidden = false;
        one.row.style.transform = `translateY(${index * rowHeight}px)`;
        one.index = index;
      }
      const wanted = key(index);
      if (one.key === wanted) continue;
      one.key = wanted;
      fill(one.row, index);
    }
  }
}
