/**
 * A short run with one of everything that a recording can show, on a virtual clock: a segment that is lost and sent again,
 * a probe, a gap, a carrier that is cut, a stream that ends. The same every time.
 */
import type { RelayRole } from '../../machines/stream-types.js';
import type { ObservationRecord } from '../../src/observe/record.js';
import { record } from '../../src/observe/recorder.js';
import { bytes } from '../carrier/relay-pair.js';
import { RelayWorld } from '../carrier/relay-world.js';

/** What was said, which no recording may hold. */
export const SAID = 'sesame-7f3a';

export async function smallRun(options: { readonly payloads?: boolean } = {}): Promise<Record<RelayRole, string>> {
  const lines: Record<RelayRole, string[]> = { harness: [], executor: [] };
  const world = await RelayWorld.start({
    serve: (message, channel) => {
      for (let n = 0; n < 3; n += 1) channel.send(bytes(`${SAID} ${message} ${n}`));
    },
    observe: (role, observation) => {
      const write = (one: ObservationRecord) => lines[role].push(JSON.stringify(still(one)));
      record(observation, { ...options, write, seed: 1 });
    },
  });
  const lost = new Set<string>();
  world.lose = (from, { body }) => {
    // The second segment of each end is lost once, and the harness' fourth twice.
    const key = body.kind === 'data' ? `${from} ${body.seq}` : '';
    const doomed = ['harness 2', 'executor 2', 'harness 4'].includes(key) && !lost.has(key);
    if (doomed) lost.add(key);
    return doomed;
  };
  const side = world.open('5eba5714');
  world.ask(side, `${SAID} 1`);
  await world.until(() => side.received.length === 3);
  world.ask(side, `${SAID} 2`, `${SAID} 3`);
  await world.until(() => side.received.length === 9);
  world.ask(side, `${SAID} 4`);
  await world.until(() => side.received.length === 12);
  world.wires.harness?.cut();
  world.ask(side, 'x'.repeat(70_000));
  await world.until(() => side.received.length === 15);
  await world.clock.advanceAsync(500);
  side.channel.close();
  await world.clock.advanceAsync(2500);
  const text = (role: RelayRole) => renumbered(lines[role].map((line) => `${line}\n`).join(''));
  return { harness: text('harness'), executor: text('executor') };
}

/** The wall clock goes on between two runs. */
function still(one: ObservationRecord): ObservationRecord {
  return one.type === 'observing.started' ? { ...one, wallTime: 1_700_000_000_000, program: 'signalbox' } : one;
}

/** Actors are numbered over the whole process. */
function renumbered(text: string): string {
  const numbers = new Map<string, string>();
  return text.replaceAll(/"x:\d+"/g, (id) => {
    const known = numbers.get(id) ?? `"x:${numbers.size}"`;
    numbers.set(id, known);
    return known;
  });
}
