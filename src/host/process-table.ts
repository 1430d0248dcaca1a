/**
 * What the kernel tells about processes that are not our children, from /proc. On systems without it nothing is
 * known, which callers must expect.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import type { ChildEnd } from './host-child.js';

/** States of those that are only waited for. */
const DEAD: readonly string[] = ['Z', 'X'];

export interface ProcessEntry {
  readonly state: string;
  readonly group: number;
  readonly session: number;
  /** Ticks after boot: with the pid, it names one process for good. */
  readonly startTime: string;
  /** As wait(2) gives it. Set once it is a zombie, and only shown to those who may trace it. */
  readonly waitStatus: number;
}

export function readProcess(pid: number): ProcessEntry | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined;
  }
  // The name in parentheses may hold anything; the third field follows it.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state = '', , group = '', session = ''] = fields;
  return {
    state,
    group: Number(group),
    session: Number(session),
    startTime: fields[19] ?? '',
    waitStatus: Number(fields[49] ?? 0),
  };
}

export function decodeWaitStatus(waitStatus: number): ChildEnd {
  return { status: (waitStatus >> 8) & 0xff, signal: waitStatus & 0x7f };
}

/** Groups that somebody runs in, zombies not counted; undefined where the kernel does not tell. */
export function livingGroups(): ReadonlySet<number> | undefined {
  const found = new Set<number>();
  for (const name of listProcesses()) {
    const entry = readProcess(Number(name));
    if (entry !== undefined && !DEAD.includes(entry.state)) found.add(entry.group);
  }
  return found.size === 0 ? undefined : found;
}

/** Session leaders by the file that is their stdout or stderr, as `device:inode`. */
export function leadersByOutput(): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const name of listProcesses()) {
    const pid = Number(name);
    for (const descriptor of [1, 2]) {
      const file = fileOf(`/proc/${pid}/fd/${descriptor}`);
      if (file !== undefined && readProcess(pid)?.session === pid) found.set(file, pid);
    }
  }
  return found;
}

export function fileOf(path: string): string | undefined {
  try {
    const { dev, ino } = statSync(path);
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
}

function listProcesses(): string[] {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}
