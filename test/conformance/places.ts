/**
 * The places of this machine and run that occur in what is sent and answered, and their names in a transcript: the work
 * folder, the port of the HTTP fixtures, ids of sessions.
 */
import { toFileUri } from '../../src/host/paths.js';

const RECORDED_FOLDER = /(file:\/\/)?\/var\/tmp\/xs-[\w-]+/g;
const RECORDED_FIXTURES = /127\.0\.0\.1:289\d\d/g;
/** Everything on loopback but the two ports at which nobody listens on purpose. */
const LOOPBACK = /127\.0\.0\.1:(?!(?:1|9)\b)\d+/g;
const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;

export interface Places {
  /** Absolute, without characters that a URI escapes. */
  readonly folder: string;
  readonly fixturePort: number;
}

/** A recorded client's message as it is said here. */
export function localised(recorded: string, { folder, fixturePort }: Places): string {
  return recorded
    .replace(RECORDED_FOLDER, (_, scheme) => (scheme === undefined ? folder : toFileUri(folder)))
    .replace(RECORDED_FIXTURES, `127.0.0.1:${fixturePort}`);
}

/** Text of either side without what is of one machine or run only. */
export function neutral(text: string, places: Places): string {
  return text
    .replaceAll(toFileUri(places.folder), 'file://WORK')
    .replaceAll(places.folder, 'WORK')
    .replace(RECORDED_FOLDER, (_, scheme) => `${scheme ?? ''}WORK`)
    .replace(LOOPBACK, '127.0.0.1:PORT')
    .replace(UUID, 'UUID');
}
