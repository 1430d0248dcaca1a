/**
 * Numbers and names as a person reads them.
 */

const KIB = 1024;

export function bytesText(bytes: number): string {
  if (bytes < KIB) return `${bytes} B`;
  if (bytes < KIB * KIB) return `${(bytes / KIB).toFixed(bytes < 10 * KIB ? 1 : 0)} KiB`;
  return `${(bytes / KIB / KIB).toFixed(1)} MiB`;
}

export function msText(ms: number): string {
  if (ms < 1) return `${ms.toFixed(2)} ms`;
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
}

/** Seconds since a start, to the millisecond. */
export function clockText(at: number, start: number): string {
  return ((at - start) / 1000).toFixed(3);
}

/** `stream:0f1e2d3c-…` is told apart by its beginning. */
export function nameText(id: string): string {
  const [kind = '', rest] = splitOnce(id, ':');
  if (rest === undefined) return id;
  return `${kind} ${rest.length > 12 && /^[0-9a-f-]+$/i.test(rest) ? rest.slice(0, 8) : rest}`;
}

/** The states beneath the chart's own name, the most telling one first. */
export function stateText(states: readonly string[], chart: string | undefined): string {
  if (states.length === 0) return '';
  const own = states.map((state) => (chart !== undefined ? state.slice(chart.length + 1) : state));
  if (own.length === 1) return own[0] ?? '';
  return prefixed(own);
}

/** Of regions, what is not as it is at rest. */
function prefixed(states: readonly string[]): string {
  const [first = ''] = states;
  const root = first.split('.')[0] ?? '';
  const telling = states.map((state) => state.split('.').slice(1)).filter((path) => !isAtRest(path));
  const rest = telling.map((path) => path.slice(1).join('.') || path.join('.'));
  return rest.length === 0 ? root : `${root}: ${rest.join(', ')}`;
}

const AT_REST = new Set(['attached', 'inOrder', 'idle', 'taking', 'quiet', 'serving', 'listening', 'proven']);

function isAtRest(path: readonly string[]): boolean {
  return AT_REST.has(path.at(-1) ?? '');
}

function splitOnce(text: string, mark: string): [string, string?] {
  const at = text.indexOf(mark);
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

/** `xstate.after.graceTime.stream.reliable` is told as `after graceTime`. */
export function eventText(event: string): string {
  const [, delay] = /^xstate\.after\.([^.]+)\./.exec(event) ?? [];
  if (delay !== undefined) return `after ${delay}`;
  return event.replace(
    /^xstate\.(done|error)\.actor\./,
    (_, how: string) => `${how === 'done' ? 'ended' : 'crashed'}: `,
  );
}
