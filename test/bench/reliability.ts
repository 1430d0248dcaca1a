/**
 * `npm run bench:reliability -- [--only REGEX] [--virtual | --real]`: the figures of docs/reliability.md, each beside
 * what it should be. Those of virtual time are exact and the same everywhere; those of real sockets are this machine's of this
 * minute. Exits non-zero when one is missed.
 */
import { parseArgs } from 'node:util';
import { carrierExperiments } from './reliability-carriers.js';
import type { Experiment, Figure } from './reliability-figure.js';
import { floodExperiments } from './reliability-flood.js';
import { requestExperiments } from './reliability-requests.js';
import { socketExperiments } from './reliability-sockets.js';

const EXPERIMENTS: readonly Experiment[] = [
  ...requestExperiments,
  ...carrierExperiments,
  ...socketExperiments,
  ...floodExperiments,
];

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    virtual: { type: 'boolean', default: false },
    real: { type: 'boolean', default: false },
  },
});
const only = new RegExp(values.only);
const print = (line: string) => process.stdout.write(`${line}\n`);

function show({ name, measured, target, met }: Figure): void {
  const verdict = met === undefined ? 'not judged, the machine is too busy' : met ? 'met' : 'MISSED';
  print(`  ${name}: ${measured}${target === undefined ? '' : `  [${target}: ${verdict}]`}`);
}

for (const { name, real, run } of EXPERIMENTS) {
  if (!only.test(name) || (real ? values.virtual : values.real)) continue;
  print(`${name} (${real ? 'real sockets' : 'virtual time'})`);
  for (const figure of await run()) {
    show(figure);
    if (figure.met === false) process.exitCode = 1;
  }
}
