/** Mutation tests of the protocol's arithmetic: `npm run mutate`, about ten minutes on two cores (docs/decisions/0013). */
export default {
  testRunner: 'vitest',
  vitest: { configFile: 'vitest.mutation.config.ts' },
  mutate: ['machines/protocol/*.ts'],
  coverageAnalysis: 'perTest',
  // What runs once while a module loads would need every test again for each mutant.
  ignoreStatic: true,
  concurrency: 2,
  timeoutMS: 8000,
  // The project is not compiled here, and the compiler's programming interface is not the one Stryker looks for.
  tsconfigFile: 'none',
  reporters: ['clear-text', 'json', 'progress-append-only'],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
  jsonReporter: { fileName: 'coverage/mutation.json' },
  tempDirName: 'coverage/stryker',
  thresholds: { high: 90, low: 85, break: 85 },
};
