/**
 * Serves a recording in the inspector's page, as if it happened there, to be stepped and scrubbed through.
 */
import { startInspector } from '../observe/inspector.js';
import { Observation } from '../observe/observation.js';
import type { ObservationRecord } from '../observe/record.js';
import type { RecordingReader } from '../recordings/recording-reader.js';
import { aborted } from './stop-signal.js';

/** What the page remembers (src/observe/page/history.ts). */
const PAGE_REMEMBERS = 30_000;

/** Until the signal aborts. Rejects with RecordingError. */
export async function openRecording(
  reader: RecordingReader,
  signal: AbortSignal,
  told: (reader: RecordingReader) => void,
): Promise<void> {
  const recording: ObservationRecord[] = [];
  for await (const { record } of reader.records()) {
    // The page has no use for what was sent, and need not have it.
    if (record.type === 'frame') recording.push(withoutPayload(record));
    else recording.push(record.type === 'observing.started' ? { ...record, recorded: true } : record);
  }
  told(reader);
  if (recording.length > PAGE_REMEMBERS) {
    process.stderr.write(`signalbox: ${recording.length} records; the page remembers the last ${PAGE_REMEMBERS}\n`);
  }
  const inspector = await startInspector({ observation: new Observation(), recording });
  process.stdout.write(`${reader.path} is open at\n  ${inspector.url}\nCtrl-C closes it.\n`);
  await aborted(signal);
  await inspector.close();
}

function withoutPayload(frame: Extract<ObservationRecord, { type: 'frame' }>): ObservationRecord {
  const { payload: _, ...rest } = frame;
  return rest;
}
