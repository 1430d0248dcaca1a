/**
 * A running file helper as the daemon sees it: calls to it, and its end, which fails those under way. It ends by
 * itself when nothing was asked of it for a while and no file is open in it.
 */
import type { OutputStream } from '../../../machines/protocol/output-log.js';
import type { FileMode, RemoteFile } from '../file-handles.js';
import { FileRequestError, type LinkOption } from '../files.js';
import type { ChildListener, ChildSpec, HostChild, SpawnChild } from '../host-child.js';
import { OsError } from '../os-error.js';
import { SandboxUnavailableError } from './bubblewrap.js';
import {
  encodeFrame,
  type FileFault,
  type FileOperation,
  type FileOperations,
  type FileReply,
  type FileRequest,
  FrameDecoder,
} from './file-frames.js';

/** Its sandbox keeps folders on this host from being made, so it must not stay long. */
const IDLE_MS = 1_000;
/** Of what it says on stderr, which is nothing unless it fails. */
const LAST_WORDS_BYTES = 2_000;

/** The bytes of all its frames, and the result of the last. */
export interface FileAnswer {
  readonly blocks: Buffer[];
  readonly result: unknown;
}

interface Call {
  readonly blocks: Buffer[];
  readonly resolve: (answer: FileAnswer) => void;
  readonly reject: (error: unknown) => void;
}

export class FileHelperProcess implements ChildListener {
  readonly #child: HostChild;
  readonly #gone: () => void;
  readonly #calls = new Map<number, Call>();
  readonly #decoder = new FrameDecoder<FileReply>();
  /** Requests for a child that is not there yet. */
  #early: Buffer[] | undefined = [];
  #lastId = 0;
  #lastFile = 0;
  #openFiles = 0;
  #words = '';
  #ended = false;
  #idle: NodeJS.Timeout | undefined;

  /** `gone` is called once, when it takes no more calls. Throws what `spawn` throws. */
  constructor(spawn: SpawnChild, spec: ChildSpec, gone: () => void) {
    this.#gone = gone;
    this.#child = spawn(spec, this);
  }

  async call<Name extends FileOperation>(
    op: Name,
    args: FileOperations[Name],
    bytes?: Uint8Array,
  ): Promise<FileAnswer> {
    if (this.#ended) throw this.#lost();
    clearTimeout(this.#idle);
    const id = ++this.#lastId;
    try {
      return await new Promise<FileAnswer>((resolve, reject) => {
        this.#calls.set(id, { blocks: [], resolve, reject });
        this.#send(encodeFrame({ id, op, args } as FileRequest, bytes));
      });
    } finally {
      this.#calls.delete(id);
      this.#restIfIdle();
    }
  }

  /** The file keeps it alive. */
  async open(path: string, mode: FileMode, links: LinkOption): Promise<RemoteFile> {
    const handle = `file ${++this.#lastFile}`;
    this.#openFiles += 1;
    let open = true;
    const close = () => {
      if (!open) return;
      open = false;
      this.#openFiles -= 1;
      // Also what is under way was sent before.
      this.call('close', [handle]).catch(() => {});
    };
    try {
      await this.call('open', [handle, path, mode, links]);
    } catch (error) {
      close();
      throw error;
    }
    return {
      readBlock: async (offset, length) => {
        const { blocks, result } = await this.call('readBlock', [handle, offset, length]);
        return { bytes: blocks[0] ?? Buffer.alloc(0), eof: (result as { eof: boolean }).eof };
      },
      writeBlock: async (offset, bytes) => void (await this.call('writeBlock', [handle, offset], bytes)),
      close,
    };
  }

  get ended(): boolean {
    return this.#ended;
  }

  get idle(): boolean {
    return this.#calls.size === 0 && this.#openFiles === 0;
  }

  /** Takes no more calls; those under way fail. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#idle);
    this.#gone();
    this.#child.signalGroup('SIGKILL');
    this.#child.abandonStreams();
    this.#failCalls();
  }

  spawned(): void {
    const early = this.#early ?? [];
    this.#early = undefined;
    // A spawner may tell before it has returned the child.
    queueMicrotask(() => this.#send(early));
  }

  failed(error: unknown): void {
    this.#words = error instanceof Error ? error.message : String(error);
    this.#over();
  }

  output(stream: OutputStream, bytes: Buffer): void {
    if (stream === 'stderr') {
      this.#words = (this.#words + bytes.toString()).slice(-LAST_WORDS_BYTES);
      return;
    }
    for (const { message, bytes: block } of this.#decoder.decode(Buffer.from(bytes))) this.#take(message, block);
  }

  exited(): void {
    // What it said before is still to come.
  }

  streamsEnded(): void {
    this.#over();
  }

  inputTaken(): void {
    // Requests of a connection wait for their answers: little is ever queued.
  }

  #send(frame: readonly Buffer[]): void {
    if (this.#early !== undefined) this.#early.push(...frame);
    else for (const part of frame) this.#child.write(part);
  }

  #take(reply: FileReply, block: Buffer): void {
    const call = this.#calls.get(reply.id);
    if (call === undefined) return;
    if ('more' in reply) call.blocks.push(block);
    else if ('fault' in reply) call.reject(thrown(reply.fault));
    else call.resolve({ blocks: call.blocks, result: reply.result });
  }

  #restIfIdle(): void {
    clearTimeout(this.#idle);
    if (this.#ended || !this.idle) return;
    this.#idle = setTimeout(() => this.end(), IDLE_MS).unref();
  }

  #over(): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#idle);
    this.#gone();
    this.#failCalls();
  }

  #failCalls(): void {
    const error = this.#lost();
    for (const call of this.#calls.values()) call.reject(error);
  }

  #lost(): SandboxUnavailableError {
    return new SandboxUnavailableError(`its file helper ended: ${this.#words.trim() || 'it said nothing'}`);
  }
}

function thrown(fault: FileFault): Error {
  switch (fault.kind) {
    case 'system':
      return new OsError(fault.errno);
    case 'request':
      return new FileRequestError(fault.code, fault.message);
    case 'other':
      return new SandboxUnavailableError(`its file helper failed: ${fault.message}`);
  }
}
