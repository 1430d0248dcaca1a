/**
 * `signalbox/proto`: what the bytes of a relay frame mean, for people who look at the wire.
 */
export * from './frame.js';
export { decodeFrame, encodeFrame } from './frame-codec.js';
export { FrameDecodeError } from './frame-error.js';
export { defaultLimits, type Limits } from './limits.js';
export { SignalboxError } from './signalbox-error.js';
