/**
 * Loaded into a program that is measured (`node --import`): on SIGUSR2 it prints how long its event loop stood still at
 * the longest since the last time.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';

const delays = monitorEventLoopDelay({ resolution: 1 });
delays.enable();
process.on('SIGUSR2', () => {
  process.stderr.write(`loop delay: longest ${(delays.max / 1e6).toFixed(1)} ms\n`);
  delays.reset();
});
