/**
 * The figures of a recording as a person reads them.
 */
import { msText } from '../observe/page/words.js';
import type { StreamFigures, TrafficFigures } from './stream-figures.js';
import { sizeText } from './stream-rows.js';

const CAUSES = {
  passed: 'three later ones acknowledged',
  late: 'a later one acknowledged long ago',
  probe: 'nothing heard',
  resumed: 'carrier replaced',
} as const;
/** States told, longest first; the rest are hardly ever entered. */
const MOST_STATES = 12;

export function figuresText(figures: StreamFigures): string {
  const { stream, profile, role, seconds, hadPast, roundTrip, window, resets, end } = figures;
  const who = [role === undefined ? '' : `at the ${role}`, profile ?? 'profile not seen', `${seconds.toFixed(3)} s`];
  const rows: [string, string][] = [
    ['sent', trafficText(figures.out)],
    ['received', trafficText(figures.in)],
    ['sent again', againText(figures)],
    ['came twice', String(figures.cameTwice)],
    ['out of order', figures.gaps === 0 ? '0' : `${figures.gaps} came while one before was missing`],
    ['carriers lost', String(figures.carriersLost)],
  ];
  if (roundTrip !== undefined) {
    const { samples, minMs, p50Ms, p99Ms, maxMs } = roundTrip;
    const times = `min ${msText(minMs)} · p50 ${msText(p50Ms)} · p99 ${msText(p99Ms)} · max ${msText(maxMs)}`;
    rows.push(['round trip', `${times} · ${samples} measured`]);
  }
  if (window !== undefined) {
    rows.push(['window', `${window.most} of ${window.of} segments at most · ${window.mean.toFixed(2)} on average`]);
  }
  if (resets.length > 0) rows.push(['reset', resets.map(({ dir, reason }) => `${reason} (${WHO[dir]})`).join(', ')]);
  if (end !== undefined) rows.push(['ended', end]);
  const states = Object.entries(figures.stateMs).filter(([, ms]) => ms > 0);
  for (const [index, [state, ms]] of states.slice(0, MOST_STATES).entries()) {
    const share = seconds === 0 ? 0 : ms / 10 / seconds;
    rows.push([
      index === 0 ? 'time in state' : '',
      `${msText(ms).padStart(9)} ${share.toFixed(1).padStart(6)} %  ${state}`,
    ]);
  }
  if (states.length > MOST_STATES) rows.push(['', `${states.length - MOST_STATES} more: --json has all`]);
  const past = hadPast ? ['it was there before the recording began'] : [];
  const body = rows.map(([name, text]) => `  ${name.padEnd(14)} ${text}`);
  return [`stream ${stream} · ${who.filter((word) => word !== '').join(' · ')}`, ...past, ...body, ''].join('\n');
}

const WHO = { in: 'by the peer', out: 'by this end' } as const;

function trafficText({ frames, bytes, data }: TrafficFigures): string {
  return `${frames} frames, ${data} of them data · ${sizeText(bytes)}`;
}

function againText({ sentAgain, out }: StreamFigures): string {
  const total = Object.values(sentAgain).reduce((sum, count) => sum + count, 0);
  if (total === 0) return '0';
  const share = out.data === 0 ? '' : ` (${((100 * total) / out.data).toFixed(1)} % of data)`;
  const by = Object.entries(CAUSES).flatMap(([cause, words]) => {
    const count = sentAgain[cause as keyof typeof CAUSES];
    return count === 0 ? [] : [`${count} ${cause}: ${words}`];
  });
  return `${total}${share} · ${by.join(' · ')}`;
}
