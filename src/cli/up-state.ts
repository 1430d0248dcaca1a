/**
 * The address that a running `signalbox up` leaves for other commands of the same user: a file of mode 0600 in the
 * state folder, gone when `up` ends.
 */
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { CliError } from './cli-error.js';
import { ensureStateFolder, stateFolder } from './state-folder.js';

const upStateSchema = v.object({
  version: v.literal(1),
  /** Of the process that wrote it. */
  pid: v.number(),
  /** http(s) address of the rendezvous. */
  rendezvous: v.string(),
  environmentId: v.string(),
  /** Harness token for that environment. */
  token: v.string(),
  /** Address of the inspector with its token, where there is one. */
  inspector: v.optional(v.string()),
});

export type UpState = v.InferOutput<typeof upStateSchema>;

function upStateFile(): string {
  return join(stateFolder(), 'up.json');
}

export async function writeUpState(state: UpState): Promise<void> {
  await ensureStateFolder();
  const fresh = `${upStateFile()}.${process.pid}`;
  // Renamed into place, so that no reader sees half of it, and never readable by others, not even for a moment.
  await writeFile(fresh, `${JSON.stringify(state, undefined, 2)}\n`, { mode: 0o600 });
  await rename(fresh, upStateFile());
}

/** Undefined when no `up` of this user runs here. Throws {@link CliError} for a damaged file. */
export async function readUpState(): Promise<UpState | undefined> {
  let text: string;
  try {
    text = await readFile(upStateFile(), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new CliError(`cannot read ${upStateFile()}: ${(error as Error).message}`, { cause: error });
  }
  const state = v.safeParse(v.pipe(v.string(), v.parseJson(), upStateSchema), text);
  if (!state.success) {
    throw new CliError(`${upStateFile()} is damaged: delete it and start signalbox up again`);
  }
  return isAlive(state.output.pid) ? state.output : undefined;
}

/** Removes the file if it is still this process's own. */
export async function removeUpState(): Promise<void> {
  const state = await readUpState().catch(() => undefined);
  if (state?.pid === process.pid) await rm(upStateFile(), { force: true });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
