/**
 * The program that does file operations inside a sandbox, for the daemon outside: what it may touch, the kernel
 * decides. Requests come on stdin, replies leave on stdout; it ends with its input.
 * It decides nothing and holds nothing but the files it was told to open.
 */
import { FileHandles } from '../file-handles.js';
import { hostFiles } from '../file-system.js';
import { FileRequestError } from '../files.js';
import { OsError } from '../os-error.js';
import { encodeFrame, type FileFault, type FileReply, type FileRequest, FrameDecoder } from './file-frames.js';

const handles = new FileHandles(Number.POSITIVE_INFINITY);

/** The result, or bytes. */
async function perform(request: FileRequest, bytes: Buffer): Promise<unknown> {
  switch (request.op) {
    case 'readFile':
      return hostFiles.readFile(...request.args);
    case 'writeFile':
      return hostFiles.writeFile(request.args[0], bytes, request.args[1]);
    case 'createDirectory':
      return hostFiles.createDirectory(...request.args);
    case 'getMetadata':
      return hostFiles.getMetadata(...request.args);
    case 'readDirectory':
      return hostFiles.readDirectory(...request.args);
    case 'remove':
      return hostFiles.remove(...request.args);
    case 'canonicalize':
      return hostFiles.canonicalize(...request.args);
    case 'walk':
      return hostFiles.walk(...request.args);
    case 'copy':
      return hostFiles.copy(...request.args);
    case 'stat':
      return hostFiles.stat(...request.args);
    case 'list':
      return hostFiles.list(...request.args);
    case 'hash':
      return hostFiles.hash(...request.args);
    case 'rename':
      return hostFiles.rename(...request.args);
    case 'symlink':
      return hostFiles.symlink(...request.args);
    case 'setAttributes':
      return hostFiles.setAttributes(...request.args);
    case 'open':
      return handles.open(...request.args);
    case 'readBlock': {
      const block = await handles.readBlock(...request.args);
      await send({ id: request.id, more: true }, block.bytes);
      return { eof: block.eof };
    }
    case 'writeBlock':
      return handles.writeBlock(...request.args, bytes);
    case 'close':
      return handles.close(...request.args);
  }
}

async function answer(request: FileRequest, bytes: Buffer): Promise<void> {
  const { id } = request;
  try {
    const result = await perform(request, bytes);
    if (request.op === 'readFile') {
      for (const block of result as Buffer[]) await send({ id, more: true }, block);
      await send({ id, result: null });
    } else await send({ id, result: result ?? null });
  } catch (error) {
    await send({ id, fault: faultOf(error) });
  }
}

function faultOf(error: unknown): FileFault {
  if (error instanceof OsError) return { kind: 'system', errno: error.errno };
  if (error instanceof FileRequestError) return { kind: 'request', code: error.code, message: error.message };
  return { kind: 'other', message: error instanceof Error ? error.message : String(error) };
}

/** Resolves when it has left. */
async function send(reply: FileReply, bytes?: Uint8Array): Promise<void> {
  for (const part of encodeFrame(reply, bytes)) {
    await new Promise<void>((resolve) => process.stdout.write(part, () => resolve()));
  }
}

const decoder = new FrameDecoder<FileRequest>();
// One after the other, as they came.
let last = Promise.resolve();
process.stdin.on('data', (chunk: Buffer) => {
  for (const { message, bytes } of decoder.decode(chunk)) last = last.then(() => answer(message, bytes));
});
process.stdin.on('end', () => {
  last.then(() => process.exit(0));
});
