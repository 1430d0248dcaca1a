/**
 * Starts the programs of tests and ends them with everything they started, by their ids and nothing else.
 * Reads /proc, so the tests with real peers run on Linux.
 */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';

const DEFAULT_PATIENCE_MS = 3000;

/** Variables that would lead a program away from loopback or to an account. */
const UNWANTED = /proxy|api_key|token|secret|password|^openai|^codex|^otel/i;

/** This process's environment without proxies, keys and settings of the peers; then `extra` on top. */
export function cleanEnvironment(extra: Readonly<Record<string, string>> = {}): Record<string, string> {
  const kept = Object.entries(process.env).filter(([name, value]) => value !== undefined && !UNWANTED.test(name));
  return { ...(Object.fromEntries(kept) as Record<string, string>), ...extra };
}

export interface RunningProgram {
  readonly child: ChildProcess;
  readonly pid: number;
  /** Everything it wrote so far, as text. */
  readonly output: { stdout: string; stderr: string };
  /** Resolves after exit and the end of both streams. */
  readonly ended: Promise<{ readonly exitCode: number | null; readonly signal: NodeJS.Signals | null }>;
  /** SIGTERM to the program, after `patienceMs` SIGKILL, and SIGKILL to every process it had started. */
  stop(patienceMs?: number): Promise<void>;
}

/** Rejects when the program cannot be started. */
export async function startProgram(
  program: string,
  args: readonly string[],
  options: Pick<SpawnOptions, 'cwd' | 'env'> & { readonly stdin?: 'ignore' | 'pipe' },
): Promise<RunningProgram> {
  const { stdin = 'ignore', ...rest } = options;
  const child: ChildProcess = spawn(program, args, { ...rest, stdio: [stdin, 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output.stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    output.stderr += text;
  });
  const ended = new Promise<Awaited<RunningProgram['ended']>>((resolve) => {
    child.once('close', (exitCode, signal) => resolve({ exitCode, signal }));
  });
  await once(child, 'spawn');
  const pid = child.pid as number;
  return {
    child,
    pid,
    output,
    ended,
    async stop(patienceMs = DEFAULT_PATIENCE_MS) {
      // Looked up before the program ends: afterwards its children belong to somebody else.
      const descendants = descendantsOf(pid);
      child.kill('SIGTERM');
      const killing = setTimeout(() => child.kill('SIGKILL'), patienceMs);
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      clearTimeout(killing);
      for (const { pid: descendant, startTime } of descendants) {
        if (readStat(descendant)?.startTime === startTime) killIfThere(descendant);
      }
      await ended;
    },
  };
}

/** Ids of the processes from `pid` upwards, itself first, as seen by {@link ancestryCommand}. */
export function ancestryOf(output: string): number[] {
  const line = /ancestry((?: \d+)+) end/.exec(output)?.[1];
  if (line === undefined) throw new Error(`no ancestry in ${JSON.stringify(output)}`);
  return line.trim().split(' ').map(Number);
}

/** A shell command that prints whose child it is, which tells where it ran. */
export const ancestryCommand =
  'pid=$$; line=ancestry; while [ "$pid" -gt 0 ]; do line="$line $pid"; ' +
  `pid=$(sed -n 's/^PPid:[^0-9]*//p' "/proc/$pid/status"); done; echo "$line end"`;

interface ProcessStat {
  readonly pid: number;
  readonly parent: number;
  /** In clock ticks since boot; tells a process from a later one with the same id. */
  readonly startTime: string;
}

function descendantsOf(root: number): ProcessStat[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => readStat(Number(name)) ?? []);
  const found: ProcessStat[] = [];
  for (let parents = [root]; parents.length > 0; ) {
    const children = all.filter((stat) => parents.includes(stat.parent));
    found.push(...children);
    parents = children.map((stat) => stat.pid);
  }
  return found;
}

function readStat(pid: number): ProcessStat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may itself hold blanks and parentheses; fields are counted from behind it.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { pid, parent: Number(fields[1]), startTime: fields[19] ?? '' };
  } catch {
    return undefined;
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended between the look and the signal.
  }
}
