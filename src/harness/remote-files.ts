/**
 * The executor's files. Paths are absolute paths of its machine; errors are {@link RemoteError} with the peer's code.
 */
import { fromRemotePath, type PathStyle, toRemotePath } from './remote-path.js';

export interface FileMetadata {
  readonly isDirectory: boolean;
  readonly isFile: boolean;
  readonly isSymlink: boolean;
  /** Bytes. */
  readonly size: number;
  /** Milliseconds since 1970; 0 where the executor cannot tell. */
  readonly createdAtMs: number;
  readonly modifiedAtMs: number;
}

export interface DirectoryEntry {
  readonly fileName: string;
  readonly isDirectory: boolean;
  readonly isFile: boolean;
}

export class RemoteFiles {
  readonly #request: (method: string, params: object) => Promise<unknown>;
  readonly #style: PathStyle;

  constructor(request: (method: string, params: object) => Promise<unknown>, style: PathStyle) {
    this.#request = request;
    this.#style = style;
  }

  async readFile(path: string): Promise<Buffer> {
    const { dataBase64 } = (await this.#call('fs/readFile', path)) as { dataBase64: string };
    return Buffer.from(dataBase64, 'base64');
  }

  /** Creates the file or replaces what it holds. At most about 12 MB reach a release. */
  async writeFile(path: string, data: string | Uint8Array): Promise<void> {
    const bytes =
      typeof data === 'string' ? Buffer.from(data) : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    await this.#call('fs/writeFile', path, { dataBase64: bytes.toString('base64') });
  }

  async createDirectory(path: string, options: { recursive?: boolean } = {}): Promise<void> {
    await this.#call('fs/createDirectory', path, options);
  }

  async getMetadata(path: string): Promise<FileMetadata> {
    return (await this.#call('fs/getMetadata', path)) as FileMetadata;
  }

  async readDirectory(path: string): Promise<DirectoryEntry[]> {
    return ((await this.#call('fs/readDirectory', path)) as { entries: DirectoryEntry[] }).entries;
  }

  async remove(path: string, options: { recursive?: boolean; force?: boolean } = {}): Promise<void> {
    await this.#call('fs/remove', path, options);
  }

  /** The path with every link in it resolved, as a plain path. */
  async canonicalize(path: string): Promise<string> {
    return fromRemotePath(((await this.#call('fs/canonicalize', path)) as { path: string }).path);
  }

  #call(method: string, path: string, params: object = {}): Promise<unknown> {
    return this.#request(method, { path: toRemotePath(path, this.#style), ...params });
  }
}
