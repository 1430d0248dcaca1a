/**
 * The filter of system calls for a sandbox without network. A network namespace takes away the network; this takes
 * away sockets that lead out of the sandbox all the same, through files: the message bus, container daemons, agents.
 * Pure: it makes the program, bubblewrap loads it.
 */

/** struct sock_filter: 16 bits code, 8 bits jump if true, 8 bits jump if false, 32 bits operand. */
const INSTRUCTION_BYTES = 8;
const LOAD = 0x20;
const AND = 0x54;
const JUMP_EQUAL = 0x15;
const JUMP_AT_LEAST = 0x35;
const RETURN = 0x06;

const ALLOW = 0x7fff0000;
const KILL_PROCESS = 0x80000000;
const EPERM = 0x00050001;

/** Offsets in struct seccomp_data. */
const NUMBER = 0;
const ARCHITECTURE = 4;
const SECOND_ARGUMENT = 24;

const SOCKET_KIND = 0xf;
const STREAM = 1;
const SEQPACKET = 5;

/** A second way to call the same system calls on x86-64, numbered from here. */
const X32_CALLS = 0x40000000;

interface Calls {
  readonly audit: number;
  readonly socketpair: number;
  /** socket, connect, bind, and io_uring (setup, enter, register), which does all of them unseen. */
  readonly refused: readonly number[];
  readonly x32: boolean;
}

const GENERIC = { socketpair: 199, refused: [198, 203, 200, 425, 426, 427], x32: false };

const CALLS: Readonly<Record<string, Calls>> = {
  x64: { audit: 0xc000003e, socketpair: 53, refused: [41, 42, 49, 425, 426, 427], x32: true },
  arm64: { audit: 0xc00000b7, ...GENERIC },
  riscv64: { audit: 0xc00000f3, ...GENERIC },
};

/** Undefined for an architecture it does not know. `architecture` as in `process.arch`. */
export function offlineFilter(architecture: string): Buffer | undefined {
  const calls = CALLS[architecture];
  if (calls === undefined) return undefined;
  const program: [code: number, operand: number, ifTrue?: number, ifFalse?: number][] = [];
  program.push([LOAD, ARCHITECTURE], [JUMP_EQUAL, calls.audit, 1, 0], [RETURN, KILL_PROCESS], [LOAD, NUMBER]);
  if (calls.x32) program.push([JUMP_AT_LEAST, X32_CALLS, 0, 1], [RETURN, EPERM]);
  for (const number of calls.refused) program.push([JUMP_EQUAL, number, 0, 1], [RETURN, EPERM]);
  // A pair is connected to itself; but one of datagrams can send to any address.
  program.push([JUMP_EQUAL, calls.socketpair, 1, 0], [RETURN, ALLOW], [LOAD, SECOND_ARGUMENT], [AND, SOCKET_KIND]);
  program.push([JUMP_EQUAL, STREAM, 2, 0], [JUMP_EQUAL, SEQPACKET, 1, 0], [RETURN, EPERM], [RETURN, ALLOW]);
  const bytes = Buffer.alloc(program.length * INSTRUCTION_BYTES);
  for (const [index, [code, operand, ifTrue = 0, ifFalse = 0]] of program.entries()) {
    const at = index * INSTRUCTION_BYTES;
    bytes.writeUInt16LE(code, at);
    bytes.writeUInt8(ifTrue, at + 2);
    bytes.writeUInt8(ifFalse, at + 3);
    bytes.writeUInt32LE(operand, at + 4);
  }
  return bytes;
}
