/**
 * An error as it may be shown: what a person needs to find it, without what it may quote.
 */
import { SignalboxError } from '../../proto/signalbox-error.js';
import type { ErrorFacts } from './record.js';

const MESSAGE_LENGTH = 300;

export function errorFacts(error: unknown): ErrorFacts {
  if (!(error instanceof Error)) return { name: 'Error', message: `a ${typeof error} was thrown` };
  const code = error instanceof SignalboxError ? { code: error.code } : {};
  // The message of a syntax error quotes what was parsed.
  const message = error instanceof SyntaxError ? 'something could not be parsed' : withoutAddresses(error.message);
  return { name: error.name, ...code, message: message.slice(0, MESSAGE_LENGTH) };
}

/** An address may carry a ticket or a token, so only its host stays. */
function withoutAddresses(message: string): string {
  return message.replace(/\b(wss?|https?):\/\/([^\s/?#"'`]*)[^\s"'`]*/gi, (_, scheme: string, authority: string) => {
    return `${scheme}://${authority.slice(authority.lastIndexOf('@') + 1)}/…`;
  });
}
