/**
 * Started by reliability-flood.ts as a process of its own: quiet sessions that each ask something small now and then.
 * A line on standard input with a number of milliseconds has it measure for so long; it prints the times as a JSON list.
 */
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { connect } from '../../src/harness/connect.js';

const [count, everyMs] = process.argv.slice(2).map(Number) as [number, number];
const { QUIET_URL: url = '' } = process.env;

const all = await Promise.all(Array.from({ length: count }, () => connect({ url })));
process.stdout.write('ready\n');

for await (const line of createInterface({ input: process.stdin })) {
  const over = performance.now() + Number(line);
  const times: number[] = [];
  await Promise.all(
    all.map(async (harness, place) => {
      // Each at a time of its own, so that they do not ask in step.
      await pause((place / count) * everyMs);
      for (let due = performance.now(); due < over; due += everyMs) {
        await pause(due - performance.now());
        const asked = performance.now();
        await harness.request('environment/info');
        times.push(performance.now() - asked);
      }
    }),
  );
  process.stdout.write(`${JSON.stringify(times)}\n`);
}
await Promise.all(all.map((harness) => harness.close()));
