/**
 * Reads of one process's retained output (jsonrpc.md §4.3): pages, and the long polls that wait for news.
 * It does not know where output comes from, nor who is told of it unasked.
 */
import { type Clock, LONGEST_DELAY_MS } from '../../machines/clock.js';
import type { OutputLog } from '../../machines/protocol/output-log.js';
import type { MessagePart } from '../rpc/base64-message.js';
import { BulkResult } from '../rpc/envelope.js';

export interface ReadRequest {
  readonly afterSeq: number;
  readonly maxBytes: number | undefined;
  readonly waitMs: number;
}

/** How the process stands, as every read tells it. */
export interface ProcessStanding {
  /** Null while it runs. */
  readonly exitCode: number | null;
  readonly closed: boolean;
  readonly sandboxDenied: boolean;
}

export class OutputReads {
  readonly #log: OutputLog;
  readonly #clock: Clock;
  readonly #standing: ProcessStanding;
  readonly #waiting = new Set<() => void>();

  /** `standing` is looked at whenever a read is answered. */
  constructor(log: OutputLog, clock: Clock, standing: ProcessStanding) {
    this.#log = log;
    this.#clock = clock;
    this.#standing = standing;
  }

  /** A promise only while there is nothing to tell; `signal` gives the waiting up. */
  read(request: ReadRequest, signal: () => AbortSignal): BulkResult | Promise<BulkResult> {
    if (request.waitMs === 0 || this.#hasNews(request.afterSeq)) return this.#page(request);
    return this.#waitForNews(request, signal());
  }

  /** There is output, or an exit, or an end. */
  wake(): void {
    for (const look of [...this.#waiting]) look();
  }

  #hasNews(afterSeq: number): boolean {
    const { exitCode, closed } = this.#standing;
    if (this.#log.lastChunkSeq > afterSeq || closed) return true;
    return exitCode !== null && afterSeq < this.#log.nextSeq - 1;
  }

  #waitForNews(request: ReadRequest, signal: AbortSignal): Promise<BulkResult> {
    return new Promise((resolve) => {
      const settle = () => {
        this.#clock.clearTimeout(timer);
        this.#waiting.delete(look);
        signal.removeEventListener('abort', settle);
        resolve(this.#page(request));
      };
      const look = () => {
        if (this.#hasNews(request.afterSeq)) settle();
      };
      const timer = this.#clock.setTimeout(settle, Math.min(request.waitMs, LONGEST_DELAY_MS));
      this.#waiting.add(look);
      signal.addEventListener('abort', settle);
    });
  }

  #page({ afterSeq, maxBytes }: ReadRequest): BulkResult {
    const { chunks, nextSeq } = this.#log.read(afterSeq, maxBytes);
    const { exitCode, closed, sandboxDenied } = this.#standing;
    const parts: MessagePart[] = ['{"chunks":['];
    for (const [index, chunk] of chunks.entries()) {
      parts.push(
        `${index === 0 ? '' : ','}{"seq":${chunk.seq},"stream":"${chunk.stream}","chunk":"`,
        chunk.bytes,
        '"}',
      );
    }
    const missed = this.#log.missedAfter(afterSeq);
    parts.push(
      `],"nextSeq":${nextSeq},"exited":${exitCode !== null},"exitCode":${exitCode},"closed":${closed},"failure":null,"sandboxDenied":${sandboxDenied}${missed === 0 ? '' : `,"missedBytes":${missed}`}}`,
    );
    return new BulkResult(parts);
  }
}
