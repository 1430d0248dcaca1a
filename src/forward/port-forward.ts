/**
 * A port here whose connections are carried to a place on the executor's side. What a connection says is not known here.
 */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type Forwarding, formatEndpoint } from './forwarding.js';

/** Carried at a time by one port; more are reset at once. Executors take 256 from one client. */
const MOST_CONNECTIONS = 256;

export interface PortForwardOptions {
  readonly forwarding: Forwarding;
  /** A connection to the far place. Rejects when there is none to be had. */
  readonly open: () => Promise<Duplex>;
  /** One connection was reset, and why. */
  readonly failed: (error: Error) => void;
}

export interface PortForward {
  /** Where it listens, and where that leads. */
  readonly local: string;
  readonly remote: string;
  /** Takes no more connections and resets those there are. */
  close(): Promise<void>;
}

/** Rejects with what the system says when it cannot listen. */
export async function listenPort({ forwarding, open, failed }: PortForwardOptions): Promise<PortForward> {
  const { localHost, localPort, remoteHost, remotePort } = forwarding;
  const connections = new Set<Socket>();
  // Nothing is read before there is somebody to give it to.
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (socket) => {
    if (connections.size >= MOST_CONNECTIONS) {
      socket.resetAndDestroy();
      failed(new Error(`${MOST_CONNECTIONS} connections are open already`));
      return;
    }
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
    // `carry` sees the end of it, too, once there is something to carry to.
    socket.on('error', () => {});
    open().then(
      (far) => carry(socket, far, failed),
      (error: Error) => {
        socket.resetAndDestroy();
        failed(error);
      },
    );
  });
  server.listen({ host: localHost, port: localPort });
  await once(server, 'listening');
  const { address, port } = server.address() as AddressInfo;
  return {
    local: formatEndpoint(address, port),
    remote: formatEndpoint(remoteHost, remotePort),
    close: async () => {
      server.close();
      for (const socket of connections) socket.resetAndDestroy();
      await once(server, 'close');
    },
  };
}

/** Each half ends by itself; what breaks on one side is reset on the other. */
function carry(near: Socket, far: Duplex, failed: (error: Error) => void): void {
  far.once('error', (error) => {
    near.resetAndDestroy();
    failed(error);
  });
  near.once('close', () => {
    // Where both halves have ended, what is still on its way to the far end arrives there.
    if (!near.readableEnded || !near.writableFinished) far.destroy();
  });
  if (near.destroyed) {
    far.destroy();
    return;
  }
  near.pipe(far);
  far.pipe(near);
}
