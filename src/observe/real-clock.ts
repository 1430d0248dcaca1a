/**
 * The operating system's monotonic time as the machines' clock.
 */
import { type Clock, LONGEST_DELAY_MS } from '../../machines/clock.js';

export const realClock: Clock = {
  now: () => performance.now(),
  setTimeout: (callback, delayMs) => setTimeout(callback, Math.min(delayMs, LONGEST_DELAY_MS)),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
};
