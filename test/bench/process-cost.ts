/**
 * What a program and everything it started has cost so far, read from /proc.
 */
import { readdirSync, readFileSync } from 'node:fs';

/** Clock ticks per second of /proc/PID/stat on Linux. */
const TICKS = 100;

interface Stat {
  readonly pid: number;
  readonly parent: number;
  readonly own: number;
  readonly waitedFor: number;
}

/** CPU seconds of the program, of its living descendants, and of those it has waited for. */
export function cpuSeconds(pid: number): number {
  return tree(pid).reduce((sum, { own, waitedFor }) => sum + own + waitedFor, 0) / TICKS;
}

/** Resident megabytes of the program and its living descendants. */
export function residentMegabytes(pid: number): number {
  const kilobytes = tree(pid).map((stat) => Number(/^VmRSS:\s+(\d+)/m.exec(read(stat.pid, 'status'))?.[1] ?? 0));
  return kilobytes.reduce((sum, value) => sum + value, 0) / 1024;
}

function tree(root: number): Stat[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => statOf(Number(name)) ?? []);
  const found = all.filter(({ pid }) => pid === root);
  for (let at = 0; at < found.length; at += 1) {
    found.push(...all.filter(({ parent }) => parent === found[at]?.pid));
  }
  return found;
}

function statOf(pid: number): Stat | undefined {
  const text = read(pid, 'stat');
  if (text === '') return undefined;
  // The name in parentheses may hold blanks; fields are counted from behind it.
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const field = (index: number) => fields[index] ?? 0;
  return { pid, parent: field(1), own: field(11) + field(12), waitedFor: field(13) + field(14) };
}

function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}
