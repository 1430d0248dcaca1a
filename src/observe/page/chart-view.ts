/**
 * The pane with the drawn chart of the chosen actor: active states are lit, edges flash as they are taken. The drawing is
 * the very file of the documentation; nothing is laid out here.
 */
import { byId, element, setText } from './element.js';
import { lastUpTo } from './history.js';
import type { View } from './view.js';
import { nameText } from './words.js';

/** How long an edge stays lit. */
const FLASH_MS = 700;
const ZOOM_STEP = 1.25;
/** Below this many CSS pixels a unit the text cannot be read, so a large chart is shown in part. */
const LEGIBLE = 0.8;
const MOST_FITTED = 1.2;

interface Drawing {
  readonly svg: SVGSVGElement;
  readonly width: number;
  readonly height: number;
  readonly states: ReadonlyMap<string, Element>;
  readonly edges: ReadonlyMap<string, readonly Element[]>;
}

export class ChartView {
  readonly #view: View;
  readonly #host = byId('chart', HTMLElement);
  readonly #title = byId('chart-title', HTMLElement);
  readonly #part = byId('part', HTMLSelectElement);
  readonly #status = byId('chart-status', HTMLElement);
  readonly #drawings = new Map<string, Promise<Drawing | undefined>>();
  readonly #charts: Promise<readonly string[]>;
  readonly #flashes = new Map<string, number>();
  #shown: { readonly name: string; readonly drawing: Drawing | undefined } | undefined;
  #wanted = '';
  #chart: string | undefined;
  #flashedTo = 0;
  #lit: ReadonlySet<string> = new Set();
  /** CSS pixels a unit of the drawing; undefined: as large as fits. */
  #zoom: number | undefined;
  /** The whole of it is to be in sight, legible or not. */
  #fits = false;

  constructor(view: View) {
    this.#view = view;
    this.#charts = fetch('charts/index.json').then(
      async (response) => (response.ok ? ((await response.json()) as readonly string[]) : []),
      () => [],
    );
    this.#part.addEventListener('change', () => void this.#open(this.#part.value));
    byId('zoom-in', HTMLButtonElement).addEventListener('click', () => this.#zoomBy(ZOOM_STEP));
    byId('zoom-out', HTMLButtonElement).addEventListener('click', () => this.#zoomBy(1 / ZOOM_STEP));
    byId('zoom-fit', HTMLButtonElement).addEventListener('click', () => {
      this.#zoom = undefined;
      this.#fits = true;
      this.#size();
    });
    this.#host.addEventListener('wheel', (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      this.#zoomBy(event.deltaY < 0 ? 1.1 : 1 / 1.1);
    });
    this.#drag();
    let wasSeen = false;
    new ResizeObserver(([entry]) => {
      const isSeen = (entry?.contentRect.width ?? 0) > 0;
      this.#size();
      if (isSeen && !wasSeen) this.#centre();
      wasSeen = isSeen;
    }).observe(this.#host);
  }

  draw(): void {
    const actor = this.#view.selected;
    setText(this.#title, actor === undefined ? 'Chart' : nameText(actor.id));
    if (actor?.chart !== this.#chart) {
      this.#chart = actor?.chart;
      void this.#offer(actor?.chart);
    }
    if (actor === undefined) return;
    const standing = this.#view.history.standing(actor, this.#view.cursor);
    this.#flash();
    this.#light(standing?.states ?? []);
    const words =
      standing === undefined
        ? 'It is not there yet at this moment.'
        : actor.error !== undefined && standing.status === 'error'
          ? `Crashed: ${actor.error.name}: ${actor.error.message}`
          : standing.states.map((state) => state.slice((actor.chart?.length ?? -1) + 1)).join(' · ') || standing.status;
    setText(this.#status, words);
    this.#status.dataset.status = standing?.status ?? 'absent';
  }

  /** The whole chart first, then its parts. */
  async #offer(chart: string | undefined): Promise<void> {
    const names = chart === undefined ? [] : (await this.#charts).filter((name) => `${name}.`.startsWith(`${chart}.`));
    if (chart !== this.#chart) return;
    this.#part.replaceChildren(
      ...names.map((name) => {
        const option = element('option', '', name === chart ? 'whole chart' : name.slice(`${chart}.`.length));
        option.value = name;
        return option;
      }),
    );
    this.#part.hidden = names.length < 2;
    this.#zoom = undefined;
    this.#fits = false;
    await this.#open(chart ?? '');
  }

  async #open(name: string): Promise<void> {
    this.#wanted = name;
    if (this.#shown?.name === name) return;
    let drawing = this.#drawings.get(name);
    if (drawing === undefined) {
      drawing = name === '' ? Promise.resolve(undefined) : fetchDrawing(name);
      this.#drawings.set(name, drawing);
    }
    const drawn = await drawing;
    if (this.#wanted !== name) return;
    this.#shown = { name, drawing: drawn };
    this.#lit = new Set();
    this.#flashes.clear();
    this.#flashedTo = this.#view.moment;
    this.#host.replaceChildren(drawn?.svg ?? element('p', 'empty', nothingDrawn(name)));
    this.#size();
    this.draw();
    this.#centre();
  }

  #light(states: readonly string[]): void {
    const drawing = this.#shown?.drawing;
    if (drawing === undefined) return;
    const lit = new Set<string>();
    for (const state of states) {
      for (let at = state.length; at !== -1; at = state.lastIndexOf('.', at - 1)) lit.add(state.slice(0, at));
    }
    for (const state of this.#lit) if (!lit.has(state)) drawing.states.get(state)?.classList.remove('active');
    for (const state of lit) if (!this.#lit.has(state)) drawing.states.get(state)?.classList.add('active');
    this.#lit = lit;
  }

  /** Edges taken since the last look; at a moment of the past, those taken there stay lit. */
  #flash(): void {
    const { selected, moment, isLive } = this.#view;
    const edges = this.#shown?.drawing?.edges;
    if (selected === undefined || edges === undefined) return;
    const now = performance.now();
    const until = isLive ? now + FLASH_MS : Number.POSITIVE_INFINITY;
    const fresh = new Set<string>();
    const last = lastUpTo(selected.own, moment);
    for (let index = last; index >= 0; index -= 1) {
      const told = selected.own[index];
      if (told === undefined || (isLive ? told.moment <= this.#flashedTo : index < last - 1)) break;
      if (told.record.type === 'actor.changed') for (const edge of told.record.edges) fresh.add(edge);
    }
    this.#flashedTo = moment;
    for (const edge of fresh) {
      for (const drawn of edges.get(edge) ?? []) drawn.classList.add('taken');
      this.#flashes.set(edge, until);
    }
    for (const [edge, end] of this.#flashes) {
      if (isLive ? end > now && end !== Number.POSITIVE_INFINITY : fresh.has(edge)) continue;
      for (const drawn of edges.get(edge) ?? []) drawn.classList.remove('taken');
      this.#flashes.delete(edge);
    }
  }

  /** Whether something on it changes by itself. */
  get isMoving(): boolean {
    return this.#flashes.size > 0 && this.#view.isLive;
  }

  #zoomBy(factor: number): void {
    const { drawing } = this.#shown ?? {};
    if (drawing === undefined) return;
    this.#zoom = Math.min(4, Math.max(0.1, this.#scale(drawing) * factor));
    this.#size();
    this.#centre();
  }

  #scale({ width, height }: Drawing): number {
    const { clientWidth, clientHeight } = this.#host;
    const fitting = Math.min((clientWidth - 16) / width, (clientHeight - 16) / height);
    return this.#zoom ?? Math.min(MOST_FITTED, this.#fits ? fitting : Math.max(fitting, LEGIBLE));
  }

  #size(): void {
    const { drawing } = this.#shown ?? {};
    if (drawing === undefined) return;
    const scale = this.#scale(drawing);
    drawing.svg.style.width = `${drawing.width * scale}px`;
    drawing.svg.style.height = `${drawing.height * scale}px`;
  }

  /** What is active and most inner comes into sight. */
  #centre(): void {
    const { drawing } = this.#shown ?? {};
    const leaf = [...this.#lit].filter((state) => drawing?.states.has(state)).sort((a, b) => b.length - a.length)[0];
    const box = leaf === undefined ? undefined : drawing?.states.get(leaf)?.getBoundingClientRect();
    if (box === undefined) return;
    const host = this.#host.getBoundingClientRect();
    this.#host.scrollBy({
      left: box.left + box.width / 2 - host.left - host.width / 2,
      top: box.top + box.height / 2 - host.top - host.height / 2,
    });
  }

  #drag(): void {
    let from: { readonly x: number; readonly y: number } | undefined;
    this.#host.addEventListener('pointerdown', (event) => {
      if (event.button !== 0 || event.pointerType !== 'mouse') return;
      from = { x: event.clientX + this.#host.scrollLeft, y: event.clientY + this.#host.scrollTop };
      this.#host.setPointerCapture(event.pointerId);
    });
    this.#host.addEventListener('pointermove', ({ clientX, clientY }) => {
      if (from !== undefined) this.#host.scrollTo(from.x - clientX, from.y - clientY);
    });
    for (const end of ['pointerup', 'pointercancel'] as const) {
      this.#host.addEventListener(end, () => {
        from = undefined;
      });
    }
  }
}

function nothingDrawn(name: string): string {
  return name === ''
    ? 'This actor is a promise or a callback: it has no states to draw.'
    : `There is no drawing of "${name}". Its states are named above.`;
}

async function fetchDrawing(name: string): Promise<Drawing | undefined> {
  try {
    const response = await fetch(`charts/${name}.svg`);
    if (!response.ok) return undefined;
    return toDrawing(await response.text());
  } catch {
    return undefined;
  }
}

/** Its style goes to the page as a sheet of its own, because the page's policy takes none from within a document. */
function toDrawing(text: string): Drawing | undefined {
  const unstyled = text.replaceAll(/<style[^>]*>([\s\S]*?)<\/style>/g, (_, style: string) => {
    adoptStyle(style);
    return '';
  });
  const parsed = new DOMParser().parseFromString(unstyled, 'image/svg+xml').documentElement;
  if (!(parsed instanceof SVGSVGElement)) return undefined;
  const svg = document.importNode(parsed, true);
  const { width, height } = svg.viewBox.baseVal;
  const states = new Map<string, Element>();
  const edges = new Map<string, Element[]>();
  for (const state of svg.querySelectorAll('[data-state]')) states.set(state.getAttribute('data-state') ?? '', state);
  for (const edge of svg.querySelectorAll('[data-edge]')) {
    const id = edge.getAttribute('data-edge') ?? '';
    const same = edges.get(id);
    if (same === undefined) edges.set(id, [edge]);
    else same.push(edge);
  }
  svg.removeAttribute('width');
  svg.removeAttribute('height');
  return { svg, width, height, states, edges };
}

const adopted = new Set<string>();

function adoptStyle(text: string): void {
  if (adopted.has(text)) return;
  adopted.add(text);
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(text);
  document.adoptedStyleSheets.push(sheet);
}
