/**
 * One child between being asked for and being forgotten, as the broker keeps it. No decisions here.
 */
import { closeSync } from 'node:fs';
import type { ChildEnd, ChildSpec } from '../host-child.js';
import type { StartWanted, TerminalPath } from './helper-message.js';
import type { PipeEnd } from './pipe-pool.js';

/** The daemon's ends of a child's pipes; whoever is given them closes them. */
export interface ChildEnds {
  readonly stdin: PipeEnd | null;
  readonly stdout: PipeEnd;
  readonly stderr: PipeEnd;
}

export interface ForkListener {
  /** Either this or `failed`, once, never before `fork` has returned. `ends` unless it has a terminal. */
  started(pid: number, ends: ChildEnds | undefined): void;
  failed(error: unknown): void;
  /** Once; undefined when nobody could know how. */
  exited(end: ChildEnd | undefined): void;
}

export interface ForkRequest {
  readonly spec: ChildSpec;
  /** In place of pipes. */
  readonly terminal?: TerminalPath;
}

/** What the owner of a child may ask for. */
export interface ForkHandle {
  /** As HostChild has it. */
  signalGroup(signal: NodeJS.Signals): void;
  /** Its streams are over: once it has exited too, it is forgotten. */
  release(): void;
}

export class Fork {
  readonly id: number;
  readonly request: ForkRequest;
  readonly listener: ForkListener;
  /** `sent`: the helper was asked. `over`: nothing follows. */
  state: 'waiting' | 'sent' | 'running' | 'exited' | 'over' = 'waiting';
  /** The helper said that it was about to fork: it may have run. */
  begun = false;
  /** Not wanted any more; killed as soon as it is there. */
  unwanted = false;
  released = false;
  pid = 0;
  ends: ChildEnds | undefined;
  deadline: NodeJS.Timeout | undefined;

  constructor(id: number, request: ForkRequest, listener: ForkListener) {
    this.id = id;
    this.request = request;
    this.listener = listener;
  }

  get wantsInput(): boolean {
    return this.request.terminal === undefined && this.request.spec.stdin === 'pipe';
  }

  /** What the helper is told; it must have its ends, or a terminal. */
  get message(): StartWanted {
    const { program, args, arg0, cwd, env } = this.request.spec;
    const stdio = this.request.terminal ?? {
      stdin: this.ends?.stdin?.number ?? null,
      stdout: this.ends?.stdout.number ?? 0,
      stderr: this.ends?.stderr.number ?? 0,
    };
    const start = { op: 'start', id: this.id, program, args, cwd, env, stdio } as const;
    return arg0 === undefined ? start : { ...start, arg0 };
  }

  closeEnds(): void {
    if (this.ends === undefined) return;
    for (const end of [this.ends.stdin, this.ends.stdout, this.ends.stderr]) {
      if (end !== null) closeSync(end.descriptor);
    }
    this.ends = undefined;
  }
}
