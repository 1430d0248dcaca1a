/**
 * A process that plays the seeds its parent names, one after the other, and reports on each chunk of them.
 */
import { makeScenario } from './scenario.js';
import { type RunReport, simulate } from './simulate.js';

process.on('message', async ({ first, count, noise }: { first: number; count: number; noise?: true }) => {
  const reports: RunReport[] = [];
  for (let seed = first; seed < first + count; seed += 1) {
    reports.push(await simulate(seed, { scenario: makeScenario(seed, noise) }));
  }
  process.send?.(reports);
});
