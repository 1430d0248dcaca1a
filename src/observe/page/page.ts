/**
 * The inspector's page: joins the feed, what is remembered of it, and the panes that show it. Everything is drawn at most
 * once a frame of the screen, and only when something changed.
 */
import { ActorTree } from './actor-tree.js';
import { ChartView } from './chart-view.js';
import { ContextView } from './context-view.js';
import { byId, setText } from './element.js';
import { EventLog } from './event-log.js';
import { Feed } from './feed.js';
import { History } from './history.js';
import { LadderView } from './ladder-view.js';
import { Plots } from './plots.js';
import { Timeline } from './timeline.js';
import { View } from './view.js';

const history = new History();
const view = new View(history, changed);
const tree = new ActorTree(view);
const chart = new ChartView(view);
const timeline = new Timeline(view);
const panes = [tree, chart, new EventLog(view), new ContextView(view), new LadderView(view), new Plots(view), timeline];
const figures = byId('figures', HTMLElement);
const status = byId('connection', HTMLElement);
const notice = byId('notice', HTMLElement);

let isScheduled = false;
/** Of records since the last look, for the rate that is shown. */
let counted = { frames: 0, at: performance.now(), rate: 0 };

const feed = new Feed({
  records: (records) => {
    history.take(records);
    followHash();
    choose();
    changed();
  },
  connected: (isConnected) => {
    status.dataset.connected = String(isConnected);
    changed();
  },
});

function changed(): void {
  if (isScheduled) return;
  isScheduled = true;
  requestAnimationFrame(draw);
}

function draw(): void {
  isScheduled = false;
  feed.lookAt(view.selected?.actor);
  for (const pane of panes) pane.draw();
  drawFigures();
  if (chart.isMoving) changed();
}

function drawFigures(): void {
  document.body.classList.toggle('recorded', history.started?.recorded === true);
  const isConnected = status.dataset.connected === 'true';
  setText(
    status,
    !isConnected
      ? 'the program is away; trying again'
      : view.isLive
        ? history.started?.recorded
          ? 'recording'
          : 'live'
        : 'paused',
  );
  const now = performance.now();
  if (now - counted.at > 1000) {
    counted = {
      frames: history.frames,
      at: now,
      rate: ((history.frames - counted.frames) * 1000) / (now - counted.at),
    };
  }
  const streams = [...history.actors.values()].filter(
    ({ chart: name, status: is }) => name === 'stream' && is === 'active',
  );
  const words = [
    history.started?.program ?? '',
    streams.length === 1 ? '1 stream' : `${streams.length} streams`,
    `${Math.round(counted.rate)} frames a second shown`,
  ];
  setText(figures, words.filter((word) => word !== '').join(' · '));
  const { load, slow } = history.dropped;
  const missing = [
    load > 0 ? `${load.toLocaleString('en')} steps of actors you do not look at were left out` : '',
    slow > 0 ? `${slow.toLocaleString('en')} records were skipped because this page was too slow` : '',
  ].filter((text) => text !== '');
  notice.hidden = missing.length === 0;
  setText(notice, missing.join('; '));
}

/** Until a person does: a stream if there is one, else the connection. */
function choose(): void {
  if (view.isChosen) return;
  const { selected } = view;
  const isWorth = (status: string) => status === 'active' || history.started?.recorded === true;
  if (selected?.chart === 'stream' && isWorth(selected.status)) return;
  const actors = [...history.actors.values()];
  const worth =
    actors.find(({ chart: name, status: is }) => name === 'stream' && isWorth(is)) ??
    selected ??
    actors.find(({ chart: name }) => name === 'connection') ??
    actors[0];
  if (worth !== undefined) view.select(worth.actor, false);
}

let hashToFollow = location.hash;
addEventListener('hashchange', () => {
  hashToFollow = location.hash;
  followHash();
});

/** `#actor=stream:ID&at=MS`: an actor, and a moment if it is still remembered. */
function followHash(): void {
  if (hashToFollow.length < 2 || history.started === undefined) return;
  const words = new URLSearchParams(hashToFollow.slice(1));
  const wanted = [...history.actors.values()].find(({ id }) => id === words.get('actor'));
  const at = Number(words.get('at') ?? Number.NaN);
  if (words.has('actor') && wanted === undefined && history.now < 2) return;
  hashToFollow = '';
  if (wanted !== undefined) view.select(wanted.actor);
  if (Number.isFinite(at) && at >= history.oldestAt && at < history.nowAt) view.pauseAt(history.momentAt(at));
}

/** Of the tabs in `list`, shows the panel of the one that is chosen. */
function serveTabs(list: HTMLElement, show: (panel: string) => void): void {
  const tabs = [...list.querySelectorAll<HTMLButtonElement>('[role=tab]')];
  const pick = (tab: HTMLButtonElement) => {
    for (const other of tabs) {
      other.setAttribute('aria-selected', String(other === tab));
      other.tabIndex = other === tab ? 0 : -1;
    }
    show(tab.getAttribute('aria-controls') ?? '');
    changed();
  };
  for (const [index, tab] of tabs.entries()) {
    tab.addEventListener('click', () => pick(tab));
    tab.addEventListener('keydown', ({ key }) => {
      const step = key === 'ArrowRight' ? 1 : key === 'ArrowLeft' ? -1 : 0;
      const next = tabs[(index + step + tabs.length) % tabs.length];
      if (step === 0 || next === undefined) return;
      next.focus();
      pick(next);
    });
  }
}

serveTabs(byId('detail-tabs', HTMLElement), (panel) => {
  for (const id of ['events-panel', 'context-panel']) byId(id, HTMLElement).hidden = id !== panel;
});
serveTabs(byId('pane-tabs', HTMLElement), (panel) => {
  document.body.dataset.pane = panel;
});

const help = byId('help', HTMLDialogElement);
byId('help-open', HTMLButtonElement).addEventListener('click', () => help.showModal());

const keys: Readonly<Record<string, () => void>> = {
  ' ': () => timeline.toggle(),
  l: () => view.goLive(),
  '[': () => view.step(-1),
  ']': () => view.step(1),
  '/': () => tree.focusSearch(),
  '?': () => help.showModal(),
};

addEventListener('keydown', (event) => {
  const { target, key } = event;
  if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
  if (target instanceof HTMLInputElement && target.type !== 'range') {
    if (key === 'Escape') target.blur();
    return;
  }
  if (key === ' ' && (target instanceof HTMLButtonElement || target instanceof HTMLSelectElement)) return;
  const act = keys[key];
  if (act === undefined) return;
  event.preventDefault();
  act();
});

changed();
