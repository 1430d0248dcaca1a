/**
 * `--faults drop=2%,cut=10s`: the faults a rendezvous is to commit, as a person writes them and as they are shown.
 */
import { randomInt } from 'node:crypto';
import { InvalidArgumentError, Option } from 'commander';
import type { Faults } from '../rendezvous/faults.js';

const MOST_PLACES = 100;
const LONGEST_DELAY_MS = 60_000;
/** Sockets that are cut more often hardly get to say anything. */
const SHORTEST_CUT_MS = 100;
const LONGEST_CUT_MS = 24 * 3_600_000;
const LARGEST_SEED = 2 ** 32 - 1;

const KEYS = ['drop', 'dup', 'reorder', 'delay', 'cut', 'seed'] as const;
type Key = (typeof KEYS)[number];

const SPARED = 'streams of releases are only delayed and cut, because a release hangs on a lost frame';

/** The option, the same for every program that runs a rendezvous. */
export function faultsOption(): Option {
  const what =
    'FOR STUDY ONLY: harm what passes, e.g. drop=2%,dup=1%,reorder=3,delay=50ms±20,cut=10s,seed=7 (any of them; ± or ' +
    '+-). reorder: by up to so many places; cut: each socket, about every so long; seed: the same chance again. Reset and ' +
    `resume are never lost, and ${SPARED}`;
  return new Option('--faults <list>', what).argParser((text) => parseFaults(text, randomInt(LARGEST_SEED + 1)));
}

/** Says it so that nobody leaves it on by mistake, and how to have the same run again. */
export function warnOfFaults(faults: Faults): void {
  process.stderr.write(
    `signalbox: FAULTS ARE ON, FOR STUDY ONLY: ${SPARED}.\n` +
      `signalbox: the same again: --faults ${formatFaults(faults)}\n`,
  );
}

/**
 * Reads `key=value,…`; each key at most once, in any order, at least one fault among them. Throws InvalidArgumentError,
 * whose message tells what was expected where.
 */
export function parseFaults(text: string, defaultSeed: number): Faults {
  const values = new Map<Key, string>();
  for (const part of text.split(',')) {
    const [key = '', ...rest] = part.split('=').map((side) => side.trim());
    const value = rest.join('=');
    if (!isKey(key)) {
      throw new InvalidArgumentError(
        `${quoted(key)} is no fault: there are ${KEYS.slice(0, -1).join(', ')}, and seed.`,
      );
    }
    if (value === '') throw new InvalidArgumentError(`${key} has no value: write ${EXAMPLES[key]}.`);
    if (values.has(key)) throw new InvalidArgumentError(`${key} is there twice.`);
    values.set(key, value);
  }
  const read = <Value>(key: Key, reader: (key: Key, value: string) => Value, absent: Value): Value => {
    const value = values.get(key);
    return value === undefined ? absent : reader(key, value);
  };
  const [delayMs, delaySpreadMs] = read('delay', delay, [0, 0]);
  const faults = {
    drop: read('drop', share, 0),
    duplicate: read('dup', share, 0),
    reorder: read('reorder', (key, value) => whole(key, value, MOST_PLACES), 0),
    delayMs,
    delaySpreadMs,
    cutMs: read('cut', (key, value) => duration(key, value, SHORTEST_CUT_MS, LONGEST_CUT_MS), 0),
    seed: read('seed', (key, value) => whole(key, value, LARGEST_SEED), defaultSeed),
  };
  const { drop, duplicate, reorder, cutMs } = faults;
  if (drop + duplicate + reorder + delayMs + cutMs === 0) {
    throw new InvalidArgumentError('none of these is a fault.');
  }
  return faults;
}

/** As {@link parseFaults} reads it. */
export function formatFaults({ drop, duplicate, reorder, delayMs, delaySpreadMs, cutMs, seed }: Faults): string {
  const spread = delaySpreadMs === 0 ? '' : `±${delaySpreadMs}`;
  return [
    ...(drop === 0 ? [] : [`drop=${percent(drop)}`]),
    ...(duplicate === 0 ? [] : [`dup=${percent(duplicate)}`]),
    ...(reorder === 0 ? [] : [`reorder=${reorder}`]),
    ...(delayMs === 0 ? [] : [`delay=${delayMs}ms${spread}`]),
    ...(cutMs === 0 ? [] : [`cut=${cutMs}ms`]),
    `seed=${seed}`,
  ].join(',');
}

const EXAMPLES: Readonly<Record<Key, string>> = {
  drop: 'drop=2%',
  dup: 'dup=1%',
  reorder: 'reorder=3',
  delay: 'delay=50ms±20',
  cut: 'cut=10s',
  seed: 'seed=7',
};

const NUMBER = String.raw`\d{1,9}(?:\.\d{1,3})?`;
const PERCENT = new RegExp(`^(${NUMBER}) ?%$`);
const DURATION = new RegExp(`^(${NUMBER}) ?(ms|s)$`);
const DELAY = new RegExp(`^(${NUMBER}) ?(ms|s)(?: ?(?:±|\\+-|\\+/-) ?(${NUMBER}) ?(ms|s)?)?$`);

function share(key: Key, value: string): number {
  const match = PERCENT.exec(value);
  if (match === null) throw wrong(key, value, 'a percentage');
  const hundredths = Number(match[1]);
  if (hundredths > 100) throw wrong(key, value, 'at most 100%');
  return hundredths / 100;
}

function whole(key: Key, value: string, most: number): number {
  if (!/^\d{1,10}$/.test(value) || Number(value) > most) throw wrong(key, value, `a whole number from 0 to ${most}`);
  return Number(value);
}

function duration(key: Key, value: string, least: number, most: number): number {
  const [, number, unit] = DURATION.exec(value) ?? [];
  if (number === undefined || unit === undefined) throw wrong(key, value, 'a time in ms or s');
  const ms = milliseconds(number, unit);
  if (ms < least || ms > most) throw wrong(key, value, `from ${least}ms to ${most / 1000}s`);
  return ms;
}

function delay(key: Key, value: string): readonly [number, number] {
  const [, number, unit, spread = '0', spreadUnit = unit] = DELAY.exec(value) ?? [];
  if (number === undefined || unit === undefined || spreadUnit === undefined) {
    throw wrong(key, value, 'a time in ms or s, perhaps with ± so much');
  }
  const [delayMs, spreadMs] = [milliseconds(number, unit), milliseconds(spread, spreadUnit)];
  if (spreadMs > delayMs) throw wrong(key, value, 'a spread no larger than the delay');
  if (delayMs > LONGEST_DELAY_MS) throw wrong(key, value, `at most ${LONGEST_DELAY_MS / 1000}s`);
  return [delayMs, spreadMs];
}

function milliseconds(number: string, unit: string): number {
  return unit === 's' ? Math.round(Number(number) * 1e6) / 1000 : Number(number);
}

/** Without the noise of binary fractions. */
function percent(probability: number): string {
  return `${Number((probability * 100).toFixed(3))}%`;
}

function isKey(text: string): text is Key {
  return (KEYS as readonly string[]).includes(text);
}

function wrong(key: Key, value: string, expected: string): InvalidArgumentError {
  return new InvalidArgumentError(`${key}=${value}: expected ${expected}, e.g. ${EXAMPLES[key]}.`);
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 40));
}
