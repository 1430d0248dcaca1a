/**
 * The tables row by row, as the protocol's description has them (relay.md §7.3, §7.4).
 */
import { describe, expect, it } from 'vitest';
import {
  admitsAuthorisation,
  admitsHandshake,
  defaultNoiseAdmission,
  type ExecutorOccurrence,
  type ExecutorStanding,
  executorVerdict,
  type HarnessOccurrence,
  type HarnessStanding,
  harnessVerdict,
} from '../../../machines/protocol/noise-stream-table.js';

/** Occurrence; then for each of none, handshaking, authorising, active: the standing after it and the duties. */
type Row = [ExecutorOccurrence, string, string, string, string];

const STANDINGS: readonly ExecutorStanding[] = ['none', 'handshaking', 'authorising', 'active'];
const ABANDONED = 'none: abandon_attempt send_reset';

const rows: Row[] = [
  ['handshake', 'handshaking: open_handshake', ABANDONED, ABANDONED, 'active:'],
  ['data', 'none: send_reset', ABANDONED, ABANDONED, 'active: open_record'],
  ['reset', 'none:', 'none: abandon_attempt', 'none: abandon_attempt', 'none: detach_session'],
  ['control', 'none:', 'handshaking:', 'authorising:', 'active:'],
  ['handshake.opened', 'none:', 'authorising: ask_registry', 'authorising:', 'active:'],
  ['handshake.failed', 'none:', ABANDONED, ABANDONED, 'active:'],
  ['authorisation.granted', 'none:', 'handshaking:', 'active: answer_handshake', 'active:'],
  ['authorisation.refused', 'none:', 'handshaking:', ABANDONED, 'active:'],
  ['credential.refused', 'none:', 'handshaking:', 'none: answer_rejection abandon_attempt', 'active:'],
  ['channel.failed', 'none:', 'handshaking:', 'authorising:', 'none: send_reset detach_session'],
  ['session.ended', 'none:', 'handshaking:', 'authorising:', 'none: send_reset'],
];

describe('R12: an executor', () => {
  it.each(rows)('at %s', (occurrence, ...expected) => {
    const verdicts = STANDINGS.map((standing) => {
      const { next, duties } = executorVerdict(standing, occurrence);
      return [`${next}:`, ...duties].join(' ');
    });
    expect(verdicts).toEqual(expected);
  });

  it('never leaves an attempt behind without wiping it', () => {
    for (const standing of ['handshaking', 'authorising'] as const) {
      for (const [occurrence] of rows) {
        const { next, duties } = executorVerdict(standing, occurrence);
        expect(next === 'none').toBe(duties.includes('abandon_attempt'));
      }
    }
  });

  it('takes 128 streams, and asks about 32 of them at once', () => {
    expect(defaultNoiseAdmission).toEqual({ streams: 128, authorising: 32 });
    expect(admitsHandshake({ streams: 127, authorising: 32 })).toBe(true);
    expect(admitsHandshake({ streams: 128, authorising: 0 })).toBe(false);
    expect(admitsAuthorisation({ streams: 128, authorising: 31 })).toBe(true);
    expect(admitsAuthorisation({ streams: 40, authorising: 32 })).toBe(false);
  });
});

describe('R16: a harness', () => {
  const standings: readonly HarnessStanding[] = ['handshaking', 'finishing', 'active'];
  const harnessRows: [HarnessOccurrence, string, string, string][] = [
    ['handshake', 'finish_handshake', 'fail', 'fail'],
    ['data', 'fail', 'hold_record', 'open_record'],
    ['reset', 'disconnect', 'disconnect', 'disconnect'],
    ['control', 'ignore', 'ignore', 'ignore'],
    ['frame.rejected', 'fail', 'fail', 'fail'],
    ['socket.closed', 'disconnect', 'disconnect', 'disconnect'],
  ];

  it.each(harnessRows)('at %s', (occurrence, ...expected) => {
    expect(standings.map((standing) => harnessVerdict(standing, occurrence))).toEqual(expected);
  });
});
