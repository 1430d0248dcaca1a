/**
 * The page between this program and the Stately inspector, whose page is a third party's: keeps records until that page
 * is ready, then hands them on, to that page and no other.
 */
const THIRD_PARTY = 'https://stately.ai';
/** Records kept for a page that is not ready yet; the oldest go first. */
const MOST_KEPT = 5000;

const frame = document.querySelector('iframe');
const kept: unknown[] = [];
let isReady = false;

addEventListener('message', ({ source, origin, data }) => {
  if (source !== frame?.contentWindow || origin !== THIRD_PARTY) return;
  if ((data as { readonly type?: unknown } | null)?.type !== '@statelyai.connected') return;
  isReady = true;
  for (const record of kept.splice(0)) frame?.contentWindow?.postMessage(record, THIRD_PARTY);
});

const url = new URL('records', location.href);
url.protocol = 'ws:';
new WebSocket(url).addEventListener('message', ({ data }) => {
  const record: unknown = JSON.parse(String(data));
  if (isReady) {
    frame?.contentWindow?.postMessage(record, THIRD_PARTY);
    return;
  }
  kept.push(record);
  if (kept.length > MOST_KEPT) kept.shift();
});

export {};
