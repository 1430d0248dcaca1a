/**
 * Empty folders on this host that hold a mount of a sandbox where nothing is: made with the first sandbox that needs
 * one and removed with the last. Counted in this process only.
 */
import { lstatSync, mkdirSync, rmdirSync } from 'node:fs';
import { SandboxPolicyError } from './sandbox-policy.js';

export interface Hold {
  /** Those that can be mounted on. The others cannot be made by this user, nor by what it starts. */
  readonly paths: readonly string[];
  /** When the sandbox is over; again does nothing. */
  release(): void;
}

export class MountPoints {
  readonly #users = new Map<string, number>();

  /** Made here and not removed yet. */
  readonly has = (path: string): boolean => this.#users.has(path);

  /** Throws SandboxPolicyError. */
  hold(wanted: readonly string[]): Hold {
    const held: string[] = [];
    const paths: string[] = [];
    const release = () => {
      for (const path of held.splice(0)) this.#release(path);
    };
    try {
      for (const path of wanted) {
        const took = this.#take(path);
        if (took === 'held') held.push(path);
        if (took !== 'impossible') paths.push(path);
      }
    } catch (error) {
      release();
      throw error;
    }
    return { paths, release };
  }

  #take(path: string): 'held' | 'there' | 'impossible' {
    const users = this.#users.get(path);
    try {
      if (users === undefined) mkdirSync(path, 0o755);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return 'impossible';
      if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory()) return 'there';
      throw new SandboxPolicyError(`cannot keep ${path} read-only in the sandbox: it has just been made`);
    }
    this.#users.set(path, (users ?? 0) + 1);
    return 'held';
  }

  #release(path: string): void {
    const users = (this.#users.get(path) ?? 1) - 1;
    if (users > 0) {
      this.#users.set(path, users);
      return;
    }
    this.#users.delete(path);
    try {
      rmdirSync(path);
    } catch {
      // Somebody uses it now, or removed it.
    }
  }
}
