/**
 * A clock that stands still while code runs, and goes on when it has come to rest: everything that one event sets off
 * reads the same time, to a microsecond. So a recording can say of each event what time it was to everybody, and a replay
 * can give exactly that time again.
 */
import type { Clock } from '../../machines/clock.js';

export function turnClock(clock: Clock): Clock {
  let reading: number | undefined;
  const goOn = () => {
    reading = undefined;
  };
  return {
    now: () => {
      if (reading === undefined) {
        reading = Math.round(clock.now() * 1000) / 1000;
        queueMicrotask(goOn);
      }
      return reading;
    },
    setTimeout: (callback, delayMs) => clock.setTimeout(callback, delayMs),
    clearTimeout: (timer) => clock.clearTimeout(timer),
  };
}
