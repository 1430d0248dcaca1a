/**
 * session/*: sessions whose processes go on without anybody attached, seen and signalled by whoever may use the executor
 * (docs/extensions.md). Taking one over is `initialize`, as for any session.
 */
import { constants } from 'node:os';
import { flag, noParams, oneOf, struct, text } from '../../rpc/params.js';
import { RpcCode, RpcError } from '../../rpc/rpc-error.js';
import { type ExecutorMethod, method } from './method.js';

/** Each may hold a mebibyte of output, or what it was promised. */
const MOST_KEPT = 64;

const keepParams = struct('KeepParams', { keep: flag() });
const signalParams = struct('SessionSignalParams', {
  sessionId: text(),
  signal: oneOf(['interrupt'], Object.keys(constants.signals) as NodeJS.Signals[]),
});

export const keptSessionMethods: Readonly<Record<string, ExecutorMethod>> = {
  'session/keep': method('exec', keepParams, ({ keep }, { session, host }) => {
    if (keep && !session.isKept && host.keptSessions().length >= MOST_KEPT) {
      throw new RpcError(RpcCode.invalidRequest, `${MOST_KEPT} sessions are kept already: end one of them first`);
    }
    session.keep(keep);
    return {};
  }),

  'session/list': method('exec', noParams, (_params, { host }) => ({
    sessions: host.keptSessions().map((session) => ({
      sessionId: session.id,
      attached: session.attached,
      processes: session.list(),
    })),
  })),

  'session/signal': method('exec', signalParams, ({ sessionId, signal }, { host }) => {
    const session = host.keptSessions().find(({ id }) => id === sessionId);
    if (session === undefined) throw new RpcError(RpcCode.invalidRequest, `unknown session id ${sessionId}`);
    const running = session.list().filter(({ running }) => running);
    for (const { processId } of running) {
      session.process(processId)?.signal(signal === 'interrupt' ? 'SIGINT' : signal);
    }
    return { signalled: running.length };
  }),
};
