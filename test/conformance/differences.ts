/**
 * Where this executor answers otherwise than a recorded release, and why. A reason is a row of docs/compatibility.md in
 * its own words, so that neither can say what the other does not. Everything not named here must be the same.
 */
import type { RecordedVersion } from './transcript.js';

export interface Difference {
  /** First cell of a row, or an item of the list, in docs/compatibility.md. */
  readonly reason: string;
  /** Names of observations; exactly these differ. */
  readonly places: readonly string[];
}

/** What every case of a release may differ in without a case of its own being named. */
export interface Additions {
  /** Methods that release did not know. */
  readonly methods: readonly string[];
  /** Members it did not send, whose values clients of it ignore. */
  readonly members: readonly string[];
}

export const ADDED_SINCE: Readonly<Record<RecordedVersion, Additions>> = {
  '0.140.0': {
    methods: ['environment/status', 'fs/open', 'fs/readBlock', 'fs/writeBlock', 'fs/close', 'fs/watchMissing'],
    members: [
      'environmentInfo',
      'sandboxType',
      'sandboxDenied',
      // of environment/info
      'capabilities',
      'cwd',
      'executorVersion',
      'platformOs',
      'prependPathDirs',
      'providerId',
      'tempDir',
      'temporaryDirectories',
      'userHomeDir',
    ],
  },
  '0.169.0': {
    methods: [],
    members: [
      'signalboxCloseStdin',
      'signalboxProcessList',
      'signalboxResize',
      'signalboxKeptSessions',
      'signalboxRetainBytes',
      'signalboxSignals',
      'signalboxTellsSignals',
      'signalboxTerminateGrace',
    ],
  },
};

const KILLED: Difference = { reason: 'exit code after `process/terminate`', places: ['0 process p'] };
const SIGNALS: Difference = { reason: '`signal` of `process/signal`', places: answers('process/signal', 2) };
const RESIZE: Difference = { reason: '`process/resize`', places: answers('process/resize', 2) };
const MALFORMED: Difference = { reason: 'text of the error about a malformed message', places: ['0 answer 1'] };

export const DIFFERENCES: Readonly<Record<RecordedVersion, Readonly<Record<string, Difference>>>> = {
  '0.140.0': {
    'cwd-styles': {
      reason: 'paths: plain (to 0.136), plain or URI (0.140, 0.142.5), URI only (0.145 on)',
      places: [
        ...answers('process/start', 2, 3, 4, 8, 9, 10, 12, 13, 14, 15, 16),
        ...processes('p1', 'p2', 'p3', 'p6', 'p8', 'p9'),
      ],
    },
    'duplicate-id-running': KILLED,
    'fs-canonicalize': {
      reason: 'paths: plain (to 0.136), plain or URI (0.140, 0.142.5), URI only (0.145 on)',
      places: answers('fs/canonicalize', 1, 2, 3, 6, 7),
    },
    'fs-follow-symlinks': {
      reason: '`followSymlinks: false`: ignored before 0.156',
      places: [
        ...answers('fs/readFile', 1),
        ...answers('fs/getMetadata', 3, 4),
        ...answers('fs/writeFile', 5),
        ...answers('fs/createDirectory', 6),
        ...answers('fs/remove', 7, 8),
      ],
    },
    'fs-read': { reason: 'reading a directory or a device as a file', places: answers('fs/readFile', 7, 8, 12) },
    'fs-sandbox-shapes': { reason: '`sandbox` on `process/start` and `fs/*`', places: answers('fs/readFile', 3) },
    'malformed-id-null': {
      reason: 'a message with `id: null` or a fractional `id`',
      places: ['0 answer 1', '0 close'],
    },
    'malformed-json': MALFORMED,
    'missing-binary-tty': {
      reason: 'text of the error when the program for a terminal is missing',
      places: answers('process/start', 1),
    },
    'pipelined-longpoll-blocks': KILLED,
    'read-cursor': { reason: '`nextSeq` of `process/read`', places: answers('process/read', 2, 3, 4, 5) },
    'read-longpoll-output': KILLED,
    'read-nowait-empty': KILLED,
    'resume-while-attached': {
      reason: 'resume of a session attached elsewhere',
      places: ['1 answer 0 initialize'],
    },
    'signal-errors': SIGNALS,
    'start-sandbox-shapes': {
      reason: '`sandbox` on `process/start` and `fs/*`',
      places: [...answers('process/start', 2, 3, 4, 5, 6), ...processes('p1', 'p2', 'p3', 'p4', 'p5')],
    },
    'terminate-group': KILLED,
    'terminate-ignores-term': KILLED,
    'terminate-running': KILLED,
    'terminate-tty': { reason: 'end of the output of a terminal that is killed', places: ['0 process p'] },
    'unknown-method': RESIZE,
    'write-bad-base64': KILLED,
    'write-bad-write-id': {
      reason: '`writeId`: ignored to 0.140, required from 0.142.5',
      places: [...answers('process/write', 3, 4, 5, 6), ...processes('p')],
    },
    'write-stdin-closed': KILLED,
  },
  '0.169.0': {
    'cwd-styles': {
      reason: 'paths: plain (to 0.136), plain or URI (0.140, 0.142.5), URI only (0.145 on)',
      places: [...answers('process/start', 1, 5, 6, 7, 11), ...processes('p0', 'p6')],
    },
    'malformed-json': MALFORMED,
    'signal-errors': SIGNALS,
    'unknown-method': RESIZE,
    'write-bad-write-id': {
      reason: '`writeId`: ignored to 0.140, required from 0.142.5',
      places: [...answers('process/write', 2), ...processes('p')],
    },
  },
};

/** Of the first connection, by turn from 0. */
function answers(method: string, ...turns: readonly number[]): string[] {
  return turns.map((turn) => `0 answer ${turn} ${method}`);
}

function processes(...ids: readonly string[]): string[] {
  return ids.map((id) => `0 process ${id}`);
}
