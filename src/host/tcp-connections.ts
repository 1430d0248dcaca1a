/**
 * The TCP connections of one client, by the ids it chose (docs/extensions.md: tcp/*): each keeps its id until it is
 * closed, and all are gone with the client's connection.
 */
import { TcpConnection, TcpRequestError, type TcpTarget } from './tcp-connection.js';

const MOST_CONNECTIONS = 256;
const LONGEST_ID_BYTES = 64;

export class TcpConnections {
  readonly #mayAnswer: () => boolean;
  readonly #connections = new Map<string, TcpConnection>();

  /** `mayAnswer` is whether answers may leave now; {@link resume} is called when they may again. */
  constructor(mayAnswer: () => boolean) {
    this.#mayAnswer = mayAnswer;
  }

  /** Resolves when it is there; its id is taken at once, and free again when it fails. */
  async connect(id: string, target: TcpTarget): Promise<{ readonly address: string; readonly port: number }> {
    this.#requireFree(id);
    const connection = new TcpConnection(target, this.#mayAnswer);
    this.#connections.set(id, connection);
    try {
      const { address, port } = await connection.connected(target);
      return { address, port };
    } catch (error) {
      // Closed meanwhile, the id may be another's.
      if (this.#connections.get(id) === connection) this.#connections.delete(id);
      throw error;
    }
  }

  find(id: string): TcpConnection {
    const connection = this.#connections.get(id);
    if (connection === undefined) throw new TcpRequestError('tcp_unknown', `unknown connection \`${id}\``);
    return connection;
  }

  /** Does nothing where there is none. */
  close(id: string): void {
    const connection = this.#connections.get(id);
    this.#connections.delete(id);
    connection?.close();
  }

  closeAll(): void {
    for (const id of [...this.#connections.keys()]) this.close(id);
  }

  resume(): void {
    for (const connection of this.#connections.values()) connection.serve();
  }

  #requireFree(id: string): void {
    if (Buffer.byteLength(id) > LONGEST_ID_BYTES) {
      throw new TcpRequestError('tcp_id_long', `connectionId must not exceed ${LONGEST_ID_BYTES} bytes`);
    }
    if (this.#connections.has(id)) throw new TcpRequestError('tcp_taken', `connection \`${id}\` already exists`);
    if (this.#connections.size >= MOST_CONNECTIONS) {
      const message = `at most ${MOST_CONNECTIONS} TCP connections may be open per connection`;
      throw new TcpRequestError('tcp_exhausted', message);
    }
  }
}
