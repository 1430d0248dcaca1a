import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Scenario } from './scenario.js';
import { simulate } from './simulate.js';

/** Plans of runs that failed once, each named after what happened in it. */
const folder = join(import.meta.dirname, 'known');

describe('runs that failed once', () => {
  for (const name of readdirSync(folder)) {
    it(name.replace('.json', '').replaceAll('-', ' '), async () => {
      const scenario = JSON.parse(readFileSync(join(folder, name), 'utf8')) as Scenario;
      const { violations, answered } = await simulate(scenario.seed, { scenario });
      expect(violations).toEqual([]);
      expect(answered).toBeGreaterThan(0);
    });
  }
});
