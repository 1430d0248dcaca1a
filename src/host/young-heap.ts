/**
 * Bounds the young part of V8's heap: left alone it grows to 32 MB, most of it while modules load, and never gives that
 * back. Node takes the bound only as an argument of its own, which a program that is simply run does not have.
 */
import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/** Twice the bytes that are allocated between two collections; it only ever doubles. */
const LARGEST_BYTES = 6 * 1024 * 1024;

/** To be called before anything large is loaded; growing is possible from the returned call on. */
export function boundYoungHeap(): () => void {
  allowGrowth(false);
  return () => {
    allowGrowth(true);
    const observer = new PerformanceObserver(() => {
      const young = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space');
      if (young === undefined || young.space_size < LARGEST_BYTES) return;
      allowGrowth(false);
      observer.disconnect();
    });
    observer.observe({ entryTypes: ['gc'] });
  };
}

function allowGrowth(allowed: boolean): void {
  setFlagsFromString(`--semi-space-growth-factor=${allowed ? 2 : 1}`);
}
