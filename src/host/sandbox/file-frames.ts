/**
 * What the daemon and its file helper tell each other: a JSON message and raw bytes a frame, each behind its length
 * (two 32-bit numbers, most significant byte first). Trusted on both sides; nothing else can write to the pipes.
 */
import type { Attributes } from '../file-changes.js';
import type { FileMode } from '../file-handles.js';
import type { HashOptions } from '../file-hash.js';
import type { WalkOptions } from '../file-walk.js';
import type { LinkOption, RemoveOptions } from '../files.js';

/** Names and arguments of operations; bytes to write come as the frame's bytes. */
export interface FileOperations {
  readFile: [path: string, links: LinkOption];
  writeFile: [path: string, links: LinkOption];
  createDirectory: [path: string, recursive: boolean, links: LinkOption];
  getMetadata: [path: string, links: LinkOption];
  readDirectory: [path: string];
  remove: [path: string, options: RemoveOptions];
  canonicalize: [path: string];
  walk: [path: string, options: WalkOptions];
  copy: [source: string, destination: string, recursive: boolean];
  stat: [path: string];
  list: [path: string, after: string];
  /** Not called off: a helper knows nobody who could have lost interest. */
  hash: [path: string, options: Omit<HashOptions, 'signal'>];
  rename: [source: string, destination: string];
  symlink: [target: string, path: string];
  setAttributes: [path: string, attributes: Attributes];
  open: [handle: string, path: string, mode: FileMode, links: LinkOption];
  readBlock: [handle: string, offset: number, length: number];
  writeBlock: [handle: string, offset: number];
  close: [handle: string];
}

export type FileOperation = keyof FileOperations;

export type FileRequest = {
  [Name in FileOperation]: { readonly id: number; readonly op: Name; readonly args: FileOperations[Name] };
}[FileOperation];

/** What went wrong, to be thrown again where it was asked. */
export type FileFault =
  | { readonly kind: 'system'; readonly errno: number }
  | { readonly kind: 'request'; readonly code: string; readonly message: string }
  | { readonly kind: 'other'; readonly message: string };

export type FileReply =
  /** One of several: the frame's bytes belong to the result. */
  | { readonly id: number; readonly more: true }
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly fault: FileFault };

const HEAD_BYTES = 8;

export function encodeFrame(message: FileRequest | FileReply, bytes?: Uint8Array): Buffer[] {
  const json = Buffer.from(JSON.stringify(message));
  const head = Buffer.allocUnsafe(HEAD_BYTES);
  head.writeUInt32BE(json.byteLength, 0);
  head.writeUInt32BE(bytes?.byteLength ?? 0, 4);
  const frame: Buffer[] = [head, json];
  if (bytes !== undefined && bytes.byteLength > 0) {
    frame.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  }
  return frame;
}

export class FrameDecoder<Message> {
  #held: Buffer[] = [];
  #heldBytes = 0;
  #wanted = HEAD_BYTES;

  *decode(bytes: Buffer): Generator<{ readonly message: Message; readonly bytes: Buffer }> {
    this.#held.push(bytes);
    this.#heldBytes += bytes.byteLength;
    while (this.#heldBytes >= this.#wanted) {
      const all = this.#held.length === 1 ? (this.#held[0] as Buffer) : Buffer.concat(this.#held);
      const jsonEnd = HEAD_BYTES + all.readUInt32BE(0);
      const end = jsonEnd + all.readUInt32BE(4);
      this.#held = [all];
      this.#wanted = end;
      if (all.byteLength < end) return;
      const rest = all.subarray(end);
      this.#held = rest.byteLength > 0 ? [rest] : [];
      this.#heldBytes = rest.byteLength;
      this.#wanted = HEAD_BYTES;
      const message = JSON.parse(all.toString('utf8', HEAD_BYTES, jsonEnd)) as Message;
      yield { message, bytes: all.subarray(jsonEnd, end) };
    }
  }
}
