import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 20_000,
    hookTimeout: 60_000,
    // Two workers: the tests start real processes and servers of their own.
    maxWorkers: 2,
    restoreMocks: true,
    coverage: { include: ['proto/*.ts', 'machines/**/*.ts', 'src/**/*.ts'] },
  },
});
