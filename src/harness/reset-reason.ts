/**
 * Why a stream ended, in words for the person at this end. Reasons of ours are explained; anything else may have been
 * written by anybody on the way and is quoted, in part.
 */
import type { StreamEnd } from '../../machines/stream-types.js';

const WORDS: Readonly<Record<string, string>> = {
  carrier_lost: 'the connection to the rendezvous was lost',
  environment_offline: 'no executor is online for this environment; start one with "signalbox executor"',
  executor_disconnected: 'the executor lost its connection to the rendezvous',
  executor_draining: 'the executor is shutting down',
  executor_replaced: 'another executor took over this environment',
  executor_too_slow: 'the executor did not take what was sent to it',
  harness_too_slow: 'this end did not take what the executor sent',
  message_oversized: 'a message was larger than a stream may carry',
  queue_full: 'more requests were sent at once than the executor queues',
  resume_expired: 'the connection was interrupted for too long to go on',
  stream_retired: 'the executor had ended this stream before',
  token_revoked: 'the token it was opened with was revoked',
  unknown_stream: 'the executor was restarted, and what ran there is lost',
  too_many_streams: 'the executor serves no more streams at a time',
  noise_relay_protocol_error:
    'the executor refused the encrypted handshake, or what came of it: its log says why, which it tells nobody else',
  authorisation_timeout: 'the registry did not tell the executor in time whether this end may use it',
  handshake_timeout: 'the executor did not answer the encrypted handshake in time',
  handshake_incomplete: 'the executor spoke before the encrypted handshake was done',
};

const LONGEST_QUOTE = 100;

export function describeEnd({ reason, initiator }: StreamEnd): string {
  const words = WORDS[reason];
  if (words !== undefined) return words;
  const who = initiator === 'peer' ? 'the other end reset the stream' : 'this end reset the stream';
  return `${who} (${JSON.stringify(reason.slice(0, LONGEST_QUOTE))})`;
}
