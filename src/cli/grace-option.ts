/**
 * `--grace`, the same for both ends of a stream: how long it outlives its socket.
 */
import { InvalidArgumentError, Option } from 'commander';

/** Its value is in milliseconds. `60`, `60s` and `1.5s` are seconds. */
export function graceOption(what: string): Option {
  return new Option('--grace <seconds>', `${what} (default: 60)`).argParser(parseGrace);
}

/** Milliseconds. Throws InvalidArgumentError. */
export function parseGrace(text: string): number {
  const [, seconds] = /^(\d{1,6}(?:\.\d{1,3})?)s?$/.exec(text) ?? [];
  if (seconds === undefined) throw new InvalidArgumentError('expected a number of seconds, e.g. 60 or 1.5s.');
  return Math.round(Number(seconds) * 1000);
}
