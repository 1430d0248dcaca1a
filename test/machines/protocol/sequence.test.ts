import { expect, it } from 'vitest';
import {
  FIRST_RELEASE_SEQ,
  FIRST_RELIABLE_SEQ,
  LAST_RELIABLE_SEQ,
  nextReleaseSeq,
} from '../../../machines/protocol/sequence.js';

it('numbers reliable segments from 1 to 2^32 - 1, so that ack 0 means nothing yet', () => {
  expect([FIRST_RELIABLE_SEQ, LAST_RELIABLE_SEQ]).toEqual([1, 4_294_967_295]);
});

it('numbers cleartext frames from 0 and goes on with 0 after 2^32 - 1', () => {
  expect(FIRST_RELEASE_SEQ).toBe(0);
  expect(nextReleaseSeq(0)).toBe(1);
  expect(nextReleaseSeq(2_147_483_647)).toBe(2_147_483_648);
  expect(nextReleaseSeq(4_294_967_294)).toBe(4_294_967_295);
  expect(nextReleaseSeq(4_294_967_295)).toBe(0);
});
