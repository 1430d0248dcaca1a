import { defineConfig } from 'vitest/config';

/** The tests that the arithmetic of the protocol must not get past: quick ones, on a virtual clock or none. */
export default defineConfig({
  test: { include: ['test/machines/**/*.test.ts'], testTimeout: 20_000, maxWorkers: 1 },
});
