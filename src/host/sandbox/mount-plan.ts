/**
 * Turns a policy into the mounts bubblewrap makes: a view of this host in which what the policy does not grant is
 * read-only or not there. Pure but for the facts it is given about paths.
 *
 * Rules that keep a confined program from widening its own sandbox, or the next one:
 * - Mounts are made at places without links only. A grant whose way leads through a link that some sandbox of the
 *   policy may replace is refused.
 * - In every writable folder the settings that programs outside obey (`.git`, `.codex`, `.agents`, `.aws`) stay
 *   read-only unless granted by name, also when they are not there yet: an empty folder takes their place meanwhile.
 */
import { dirname } from 'node:path';
import { locate, type PathFacts, type Place } from './path-facts.js';
import { type Access, type SandboxPolicy, SandboxPolicyError } from './sandbox-policy.js';

/** As the newest release has them. */
const GUARDED_NAMES = ['.git', '.agents', '.codex', '.aws'];
const PLATFORM_FOLDERS = ['/bin', '/etc', '/lib', '/lib32', '/lib64', '/nix/store', '/sbin', '/usr'];
/** What bubblewrap gives every sandbox of its own. */
const OWN_FOLDERS = ['/proc', '/dev'];

export interface MountPlan {
  /** For bubblewrap, in order. */
  readonly args: readonly string[];
  /**
   * Places where nothing is, or only what was made for another sandbox, and where nothing may come to be: each wants
   * an empty folder for as long as the sandbox lives, and then `emptyFolder` after `args`.
   */
  readonly mountPoints: readonly string[];
  /** What is bound from this host: a view made earlier is good as long as these are the same files. */
  readonly sources: readonly string[];
}

/** For bubblewrap: nothing is at the path, and nothing can be put there. */
export function emptyFolder(path: string): string[] {
  return ['--perms', '0555', '--tmpfs', path, '--remount-ro', path];
}

export interface MountConditions {
  /** False where only the host's own /proc can be shown. */
  readonly mountsProc: boolean;
  /** Tells places that hold a folder only for the time of another sandbox. */
  made(path: string): boolean;
}

/** Throws SandboxPolicyError. */
export function planMounts(policy: SandboxPolicy, facts: PathFacts, conditions: MountConditions): MountPlan {
  return new Draft(policy, facts, conditions).plan();
}

/** For bubblewrap: the whole file system as it is. */
export function allFiles({ mountsProc }: Pick<MountConditions, 'mountsProc'>): string[] {
  return ['--dev-bind', '/', '/', ...(mountsProc ? PROC : [])];
}

const PROC = ['--proc', '/proc'];

class Draft {
  readonly #facts: PathFacts;
  readonly #mountsProc: boolean;
  /** By place. */
  readonly #access = new Map<string, Access>();
  readonly #kinds = new Map<string, 'folder' | 'file'>();
  readonly #mountPoints = new Set<string>();
  readonly #symlinks = new Map<string, string>();
  readonly #args: string[] = [];
  readonly #sources: string[] = [];

  constructor(policy: SandboxPolicy, facts: PathFacts, { mountsProc, made }: MountConditions) {
    this.#mountsProc = mountsProc;
    this.#facts = { ...facts, kind: (path) => (made(path) ? undefined : facts.kind(path)) };
    const places = policy.grants.map((grant) => ({ ...grant, place: locate(grant.path, this.#facts) }));
    for (const { place, access } of places) this.#grant(place, access);
    if (policy.platformFolders && this.#rootAccess === 'none') this.#grantPlatform();
    for (const { path, place, access } of places) {
      // Nothing is granted where nothing is.
      if (access !== 'write' || place.kind !== undefined) this.#refuseReplaceableLinks(path, place);
    }
    // Missing places need keeping only where they could be made.
    for (const { place, access } of places) {
      if (place.kind === undefined && access !== 'write') this.#keepMissing(place);
    }
    this.#guardSettings(new Set(places.map(({ place }) => place.path)));
    if (this.#rootAccess === 'none') for (const { place } of places) this.#repeatLinks(place);
  }

  plan(): MountPlan {
    this.#base();
    const readOnlyLast = this.#rootAccess === 'none' ? ['/'] : [];
    const places = [...this.#access.keys()].filter((path) => path !== '/').sort(byDepth);
    for (const path of places) if (this.#mount(path)) readOnlyLast.push(path);
    for (const [at, target] of this.#symlinks) this.#args.push('--symlink', target, at);
    for (const path of readOnlyLast.reverse()) this.#args.push('--remount-ro', path);
    return {
      args: this.#args,
      mountPoints: [...this.#mountPoints],
      sources: this.#sources,
    };
  }

  get #rootAccess(): Access {
    return this.#access.get('/') ?? 'none';
  }

  #grant(place: Place, access: Access): void {
    if (place.kind === undefined || OWN_FOLDERS.includes(place.path) || place.path.startsWith('/proc/')) return;
    const before = this.#access.get(place.path);
    if (before === 'none' || (before === 'write' && access === 'read')) return;
    this.#access.set(place.path, access);
    this.#kinds.set(place.path, place.kind);
  }

  #grantPlatform(): void {
    for (const folder of PLATFORM_FOLDERS) {
      const place = locate(folder, this.#facts);
      this.#repeatLinks(place);
      if (!this.#access.has(place.path)) this.#grant(place, 'read');
    }
  }

  /** Where nothing of the root is, a path with links is a path only if the links are there too. */
  #repeatLinks({ links, kind }: Place): void {
    if (kind === undefined) return;
    for (const { at, target } of links) if (this.#region(at) === '/') this.#symlinks.set(at, target);
  }

  /** The place whose access decides about a path. */
  #region(path: string): string {
    for (let at = path; at !== '/'; at = dirname(at)) if (this.#access.has(at)) return at;
    return '/';
  }

  #canWrite(path: string): boolean {
    return (this.#access.get(this.#region(path)) ?? 'none') === 'write';
  }

  #refuseReplaceableLinks(path: string, { links }: Place): void {
    const link = links.find(({ at }) => this.#canWrite(at));
    if (link === undefined) return;
    throw new SandboxPolicyError(
      `cannot enforce the sandbox permission for ${path}: it crosses the symbolic link ${link.at}, which the sandbox could replace`,
    );
  }

  #keepMissing({ path }: Place): void {
    const parent = this.#facts.kind(dirname(path));
    if (this.#canWrite(path) && parent === 'folder' && this.#facts.kind(path) === undefined)
      this.#mountPoints.add(path);
  }

  #guardSettings(granted: ReadonlySet<string>): void {
    const roots = [...this.#access].filter(
      ([path, access]) => access === 'write' && this.#kinds.get(path) === 'folder',
    );
    for (const [root] of roots.filter(([root]) => !root.startsWith('/dev/'))) {
      for (const name of GUARDED_NAMES) {
        const path = root === '/' ? `/${name}` : `${root}/${name}`;
        if (!granted.has(path) && this.#canWrite(path)) this.#guard(root, path);
      }
    }
  }

  #guard(root: string, path: string): void {
    const kind = this.#facts.kind(path);
    if (kind === 'link') {
      throw new SandboxPolicyError(
        `cannot keep ${path} read-only in the sandbox: it is a symbolic link, which the sandbox could replace`,
      );
    }
    if (kind === undefined) {
      if (root !== '/') this.#mountPoints.add(path);
      return;
    }
    this.#grant({ path, kind, links: [] }, 'read');
    if (kind === 'folder' || !path.endsWith('/.git')) return;
    const repository = this.#facts.repository(path);
    const place = repository === undefined ? undefined : locate(repository, this.#facts);
    if (place?.kind === 'folder' && this.#canWrite(place.path) && this.#access.get(place.path) === undefined) {
      this.#grant(place, 'read');
    }
  }

  #base(): void {
    switch (this.#rootAccess) {
      case 'write':
        this.#args.push('--bind', '/', '/', '--dev', '/dev', '--bind-try', '/dev/shm', '/dev/shm');
        break;
      case 'read':
        this.#args.push('--ro-bind', '/', '/', '--dev', '/dev');
        break;
      case 'none':
        this.#args.push('--perms', '0755', '--tmpfs', '/', '--dev', '/dev');
        if (!this.#mountsProc) this.#args.push('--ro-bind', '/proc', '/proc');
        break;
    }
    if (this.#mountsProc) this.#args.push(...PROC);
  }

  /** True when the mount has to become read-only after everything in it is mounted. */
  #mount(path: string): boolean {
    const access = this.#access.get(path) ?? 'none';
    const region = this.#region(dirname(path));
    const around = this.#access.get(region) ?? 'none';
    const hidden = around === 'none' && region !== '/';
    if (access === around && !path.startsWith('/dev/')) return false;
    if (access === 'none') return this.#hide(path);
    // As in the releases, only writing reopens what is hidden.
    if (access === 'read' && hidden) return false;
    this.#args.push(access === 'write' ? '--bind' : '--ro-bind', path, path);
    this.#sources.push(path);
    return false;
  }

  #hide(path: string): boolean {
    if (this.#kinds.get(path) === 'file') {
      // Devices cannot be opened through a bind mount: permission denied.
      this.#args.push('--ro-bind', '/dev/null', path);
      return false;
    }
    const passable = [...this.#access].some(([other, access]) => access === 'write' && other.startsWith(`${path}/`));
    this.#args.push('--perms', passable ? '0111' : '0000', '--tmpfs', path);
    return true;
  }
}

function byDepth(one: string, other: string): number {
  return one.split('/').length - other.split('/').length || (one < other ? -1 : 1);
}
