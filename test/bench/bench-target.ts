/**
 * An executor under measurement, ours or the real one, over the relay or on a plain WebSocket: started as the program
 * it is, spoken to by one and the same client.
 */
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type RawData, WebSocket, WebSocketServer } from 'ws';
import { plainFrame } from '../../proto/frame.js';
import { decodeFrame, encodeFrame } from '../../proto/frame-codec.js';
import { TickCork } from '../../src/carrier/tick-cork.js';
import { findProgram, type Peer, peersFolder } from '../peers/codex-binary.js';
import { cleanEnvironment, startProgram } from '../peers/process-tree.js';
import { startListeningExecutor, startRemoteExecutor } from '../peers/real-executor.js';
import { startFakeRegistry } from '../stand-ins/fake-registry.js';
import { type BenchSession, benchSession, initialized } from './bench-session.js';

export interface BenchTarget {
  readonly name: string;
  readonly pid: number;
  /** A new initialized session: a stream of the one socket, or a socket of its own. */
  session(): Promise<BenchSession>;
  stop(): Promise<void>;
}

const MAIN = fileURLToPath(new URL(process.env.MAIN ?? '../../dist/bin/main.js', import.meta.url));
const LARGEST_MESSAGE = 1024 * 1024 * 1024;

export type Road = 'relay' | 'plain';

/** The release that speaks this road: the last with a cleartext relay, the newest on a plain WebSocket. */
export const RIVALS: Readonly<Record<Road, '0.140.0' | '0.169.0'>> = { relay: '0.140.0', plain: '0.169.0' };

/** `nodeArgs` are for looking closer, such as `--cpu-prof`. */
export function startOurs(road: Road, nodeArgs: readonly string[] = []): Promise<BenchTarget> {
  return road === 'relay'
    ? overRelay('ours', async (registryUrl) => {
        const args = [
          ...nodeArgs,
          MAIN,
          'executor',
          '--remote',
          registryUrl,
          '--environment-id',
          'bench',
          // As its rival, which knows nothing else.
          '--relay',
          'cleartext',
          '--log-level',
          'error',
        ];
        return await startProgram(process.execPath, args, {
          cwd: '/',
          env: cleanEnvironment({ SIGNALBOX_TOKEN: 'bench' }),
        });
      })
    : onSocket('ours', async () => {
        const args = [...nodeArgs, MAIN, 'executor', '--listen', 'ws://127.0.0.1:0', '--log-level', 'error'];
        const program = await startProgram(process.execPath, args, { cwd: '/', env: cleanEnvironment() });
        return { ...program, url: await printedUrl(program.output) };
      });
}

export function startReal(road: Road): Promise<BenchTarget> {
  const version = RIVALS[road];
  const program = findProgram(version);
  if (program === undefined) {
    throw new Error(`release ${version} is not in ${peersFolder()}: npm run peers -- ${version}`);
  }
  const peer: Peer = { version, program };
  return road === 'relay'
    ? overRelay(version, (registryUrl) =>
        startRemoteExecutor({ peer, registryUrl, environmentId: 'bench', token: 'bench' }),
      )
    : onSocket(version, () => startListeningExecutor({ peer }));
}

interface Running {
  readonly pid: number;
  stop(): Promise<void>;
}

/** The client is the rendezvous itself: nothing between the two sockets costs anything. */
async function overRelay(name: string, start: (registryUrl: string) => Promise<Running>): Promise<BenchTarget> {
  const server = new WebSocketServer({
    host: '127.0.0.1',
    port: 0,
    perMessageDeflate: false,
    maxPayload: LARGEST_MESSAGE,
  });
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const registry = await startFakeRegistry({ rendezvousUrl: `ws://127.0.0.1:${port}/?role=executor` });
  const attached = once(server, 'connection') as Promise<[WebSocket, { socket: import('node:net').Socket }]>;
  const running = await start(registry.url);
  const [socket, request] = await attached;
  request.socket.setNoDelay(true);
  const cork = new TickCork(request.socket);
  const sessions = new Map<string, BenchSession>();
  socket.on('message', (data: Buffer) => {
    const { streamId, body } = decodeFrame(data);
    if (body.kind === 'data')
      sessions.get(streamId)?.receive(Buffer.from(body.payload.buffer, body.payload.byteOffset, body.payload.length));
  });
  return {
    name,
    pid: running.pid,
    session: () => {
      const streamId = `stream-${sessions.size}`;
      let seq = 0;
      const send = (payload: Buffer) => {
        cork.beforeWrite();
        socket.send(
          encodeFrame(plainFrame(streamId, { kind: 'data', seq, segmentIndex: 0, segmentCount: 1, payload })),
        );
        seq += 1;
      };
      const session = benchSession(send);
      sessions.set(streamId, session);
      return initialized(session, send);
    },
    stop: async () => {
      await running.stop();
      await registry.close();
      socket.terminate();
      server.close();
    },
  };
}

async function onSocket(name: string, start: () => Promise<Running & { url: string }>): Promise<BenchTarget> {
  const running = await start();
  const sockets: WebSocket[] = [];
  return {
    name,
    pid: running.pid,
    session: async () => {
      const socket = new WebSocket(running.url, { perMessageDeflate: false, maxPayload: LARGEST_MESSAGE });
      sockets.push(socket);
      let cork: TickCork | undefined;
      socket.on('upgrade', ({ socket: tcp }) => {
        tcp.setNoDelay(true);
        cork = new TickCork(tcp);
      });
      await once(socket, 'open');
      const send = (message: Buffer) => {
        cork?.beforeWrite();
        socket.send(message, { binary: false });
      };
      const session = benchSession(send);
      socket.on('message', (data: RawData) => session.receive(data as Buffer));
      return await initialized(session, send);
    },
    stop: async () => {
      for (const socket of sockets) socket.terminate();
      await running.stop();
    },
  };
}

async function printedUrl(output: { readonly stdout: string }): Promise<string> {
  for (;;) {
    const url = /^ws:\/\/\S+$/m.exec(output.stdout)?.[0];
    if (url !== undefined) return url;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
