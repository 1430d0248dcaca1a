/**
 * Sandboxes on this host, made by bubblewrap: for children here, for file operations by confined-files.ts. A sandbox
 * that cannot be had or cannot enforce its policy is an error; nothing ever runs without one instead.
 */

import { randomUUID } from 'node:crypto';
import { closeSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ChildListener, ChildSpec, HostChild, SpawnChild } from '../host-child.js';
import { callSystem } from '../os-error.js';
import { findProgram, requireFolder } from '../program-lookup.js';
import { type Bubblewrap, findBubblewrap, SandboxUnavailableError } from './bubblewrap.js';
import { confinedSpec } from './confined-spec.js';
import { allFiles, emptyFolder, planMounts } from './mount-plan.js';
import { type Hold, MountPoints } from './mount-points.js';
import { hostPaths } from './path-facts.js';
import { allowsAllFiles, allowsAllReading, type SandboxPolicy, showsPlatform } from './sandbox-policy.js';
import { offlineFilter } from './seccomp-filter.js';

/** A view of this host that exists, with what it holds on to. */
export interface View {
  readonly mounts: readonly string[];
  readonly sources: readonly string[];
  readonly hold: Hold;
}

export class Sandbox {
  readonly #path: string | undefined;
  readonly #mountPoints = new MountPoints();
  #bubblewrap: Promise<Bubblewrap> | undefined;
  #filter: number | undefined;

  /** `path` is where bubblewrap is searched. */
  constructor(path: string | undefined) {
    this.#path = path;
  }

  /** Rejects with SandboxUnavailableError; asks again the next time. */
  bubblewrap(): Promise<Bubblewrap> {
    this.#bubblewrap ??= findBubblewrap(this.#path).catch((error: unknown) => {
      this.#bubblewrap = undefined;
      throw error;
    });
    return this.#bubblewrap;
  }

  /** Spawns into a sandbox of the policy. What it returns throws SandboxPolicyError and OsError. */
  async spawner(policy: SandboxPolicy, spawn: SpawnChild): Promise<SpawnChild> {
    if (allowsAllFiles(policy) && policy.network) return spawn;
    const bubblewrap = await this.bubblewrap();
    return (spec, listener) => this.#spawn(policy, bubblewrap, spawn, spec, listener);
  }

  /** Throws SandboxPolicyError. Release its hold when nothing lives in it any more. */
  view(policy: SandboxPolicy, { mountsProc }: Bubblewrap): View {
    const plan = planMounts(policy, hostPaths, { mountsProc, made: this.#mountPoints.has });
    const hold = this.#mountPoints.hold(plan.mountPoints);
    return { mounts: [...plan.args, ...hold.paths.flatMap(emptyFolder)], sources: plan.sources, hold };
  }

  close(): void {
    if (this.#filter !== undefined) closeSync(this.#filter);
    this.#filter = undefined;
  }

  #spawn(
    policy: SandboxPolicy,
    bubblewrap: Bubblewrap,
    spawn: SpawnChild,
    spec: ChildSpec,
    listener: ChildListener,
  ): HostChild {
    requireFolder(spec.cwd);
    // Else it would be told by bubblewrap, as output and an exit code.
    if (allowsAllReading(policy)) findProgram(spec.program, spec.cwd, spec.env.PATH);
    const filter = policy.network ? {} : { filter: this.#offlineFilter() };
    const view = allowsAllFiles(policy) ? undefined : this.view(policy, bubblewrap);
    const over = new SandboxedChild(listener, () => view?.hold.release());
    try {
      const mounts = view?.mounts ?? allFiles(bubblewrap);
      const hasPlatform = showsPlatform(policy);
      const confinement = { bubblewrap, mounts, hasPlatform, network: policy.network, ...filter };
      return over.born(spawn(confinedSpec(spec, confinement), over));
    } catch (error) {
      view?.hold.release();
      throw error;
    }
  }

  /** By a descriptor of this process: as a file it would be in reach of a sandbox that may write to its folder. */
  #offlineFilter(): string {
    if (this.#filter === undefined) {
      const program = offlineFilter(process.arch);
      if (program === undefined) {
        throw new SandboxUnavailableError(`taking away the network is not implemented for ${process.arch}`);
      }
      this.#filter = callSystem(() => anonymousFile(program));
    }
    return `/proc/${process.pid}/fd/${this.#filter}`;
  }
}

function anonymousFile(bytes: Buffer): number {
  const path = join(tmpdir(), `signalbox-${randomUUID()}`);
  const writer = openSync(path, 'wx', 0o400);
  try {
    const reader = openSync(path, 'r');
    writeSync(writer, bytes);
    return reader;
  } finally {
    unlinkSync(path);
    closeSync(writer);
  }
}

/** Ends what is left in the sandbox with the program it was made for, as the releases do. */
class SandboxedChild implements ChildListener {
  readonly #listener: ChildListener;
  readonly #over: () => void;
  #child: HostChild | undefined;

  constructor(listener: ChildListener, over: () => void) {
    this.#listener = listener;
    this.#over = over;
  }

  born(child: HostChild): HostChild {
    this.#child = child;
    return child;
  }

  spawned(pid: number): void {
    this.#listener.spawned(pid);
  }

  failed(error: unknown): void {
    this.#over();
    this.#listener.failed(error);
  }

  output(...told: Parameters<ChildListener['output']>): void {
    this.#listener.output(...told);
  }

  exited(exitCode: number): void {
    this.#child?.signalGroup('SIGKILL');
    this.#over();
    this.#listener.exited(exitCode);
  }

  streamsEnded(): void {
    this.#listener.streamsEnded();
  }

  inputTaken(): void {
    this.#listener.inputTaken();
  }
}
