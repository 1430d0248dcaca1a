/**
 * Random numbers that are the same for the same seed, so that a failing run of faults can be run again.
 */
export { type Random, seededRandom } from '../../src/rendezvous/seeded-random.js';
