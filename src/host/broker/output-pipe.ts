/**
 * The reading end of a pipe a child writes to. All of them read into the same room, because a chunk that is kept a while
 * and then dropped costs the collector more than copying it: what a `data` event gives is good only while it is heard.
 */
import { type ConnectOpts, Socket, type SocketConstructorOpts } from 'node:net';

/** Whole pages; and with base64 and its members around it, one segment of 60 KiB. */
const OUTPUT_ROOM_BYTES = 44 * 1024;

const room = Buffer.allocUnsafeSlow(OUTPUT_ROOM_BYTES);

export function openOutputPipe(descriptor: number): Socket {
  // The type definitions know `onread` only where a socket is connected.
  const options: SocketConstructorOpts & ConnectOpts = {
    fd: descriptor,
    readable: true,
    writable: false,
    onread: {
      buffer: room,
      callback: (bytes) => {
        socket.emit('data', room.subarray(0, bytes));
        return true;
      },
    },
  };
  const socket = new Socket(options);
  return socket;
}
