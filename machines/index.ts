/**
 * `signalbox/machines`: the statecharts and the arithmetic under them, for people who study the protocol or test against
 * it. No sockets, files or clocks: whoever runs a chart gives it a port and a clock.
 */
export type { Clock } from './clock.js';
export { connectionMachine } from './connection.machine.js';
export * from './connection-types.js';
export { executorMachine } from './executor.machine.js';
export { HarnessError, type HarnessEvent, type HarnessInput, harnessMachine } from './harness.machine.js';
export { processMachine } from './process.machine.js';
export * from './protocol/ack-bits.js';
export * from './protocol/noise-framing.js';
export * from './protocol/noise-order.js';
export * from './protocol/receive-window.js';
export * from './protocol/resume.js';
export * from './protocol/round-trip.js';
export * from './protocol/segmentation.js';
export * from './protocol/send-window.js';
export * from './protocol/sequence.js';
export { sessionMachine } from './session.machine.js';
export { streamMachine } from './stream.machine.js';
export * from './stream-types.js';
