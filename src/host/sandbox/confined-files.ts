/**
 * The file system within a policy. Nothing is decided by comparing paths, which links and races defeat: what the
 * policy restricts is done by a helper inside a sandbox, and what it grants in full (reading, mostly) is done here.
 *
 * A helper serves every operation of its policy for as long as its view is good: the same mounts of the same files.
 */
import { existsSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Environment } from '../env-policy.js';
import type { FileFacts, FileList } from '../file-facts.js';
import type { FileHash } from '../file-hash.js';
import { type FileSystem, hostFiles } from '../file-system.js';
import type { Walk } from '../file-walk.js';
import { type DirectoryEntry, type Metadata, ProcFileError } from '../files.js';
import type { ChildSpec, SpawnChild } from '../host-child.js';
import { SandboxUnavailableError } from './bubblewrap.js';
import { confinedSpec } from './confined-spec.js';
import type { FileOperation, FileOperations } from './file-frames.js';
import { FileHelperProcess } from './file-helper-process.js';
import type { Sandbox } from './sandbox.js';
import { allowsAllFiles, allowsAllReading, type Grant, type SandboxPolicy } from './sandbox-policy.js';

/** Each is a process of some 40 MB. */
const MOST_HELPERS = 16;
/** What the helper's own program needs. */
const INHERITED = ['PATH', 'LD_LIBRARY_PATH'];
const FROM_SOURCES = import.meta.url.endsWith('.ts');

export interface ConfinedFilesOptions {
  readonly sandbox: Sandbox;
  readonly spawn: SpawnChild;
  readonly env: Environment;
}

export class ConfinedFiles {
  readonly #options: ConfinedFilesOptions;
  /** By view; the oldest first. */
  readonly #helpers = new Map<string, FileHelperProcess>();

  constructor(options: ConfinedFilesOptions) {
    this.#options = options;
  }

  /** The file system of a policy. Its operations throw SandboxUnavailableError and SandboxPolicyError too. */
  within(policy: SandboxPolicy): FileSystem {
    if (allowsAllFiles(policy)) return hostFiles;
    const confined = helperFiles(() => this.#helper(policy));
    return allowsAllReading(policy) ? { ...confined, ...readingHere(confined) } : confined;
  }

  close(): void {
    for (const helper of [...this.#helpers.values()]) helper.end();
  }

  async #helper(policy: SandboxPolicy): Promise<FileHelperProcess> {
    const { sandbox, spawn, env } = this.#options;
    const bubblewrap = await sandbox.bubblewrap();
    const { mounts, sources, hold } = sandbox.view(withHelper(policy), bubblewrap);
    const key = [...mounts, ...sources.map(identity)].join('\0');
    const running = this.#helpers.get(key);
    if (running !== undefined) {
      hold.release();
      return running;
    }
    try {
      this.#makeRoom();
      const spec = confinedSpec(helperSpec(env), { bubblewrap, mounts, hasPlatform: true, network: false });
      const helper: FileHelperProcess = new FileHelperProcess(spawn, spec, () => {
        hold.release();
        this.#helpers.delete(key);
      });
      if (!helper.ended) this.#helpers.set(key, helper);
      return helper;
    } catch (error) {
      hold.release();
      throw error;
    }
  }

  #makeRoom(): void {
    for (const helper of this.#helpers.values()) {
      if (this.#helpers.size < MOST_HELPERS) return;
      if (helper.idle) helper.end();
    }
    if (this.#helpers.size < MOST_HELPERS) return;
    throw new SandboxUnavailableError(`files are in use in ${MOST_HELPERS} different sandboxes already`);
  }
}

/** Every operation in the helper. */
function helperFiles(helperFor: () => Promise<FileHelperProcess>): FileSystem {
  const call = async <Name extends FileOperation>(op: Name, args: FileOperations[Name], bytes?: Uint8Array) => {
    const helper = await helperFor();
    return helper.call(op, args, bytes);
  };
  return {
    readFile: async (path, links) => (await call('readFile', [path, links])).blocks,
    writeFile: async (path, bytes, links) => void (await call('writeFile', [path, links], bytes)),
    createDirectory: async (...args) => void (await call('createDirectory', args)),
    getMetadata: async (...args) => (await call('getMetadata', args)).result as Metadata,
    readDirectory: async (...args) => (await call('readDirectory', args)).result as DirectoryEntry[],
    remove: async (...args) => void (await call('remove', args)),
    canonicalize: async (...args) => (await call('canonicalize', args)).result as string,
    walk: async (...args) => (await call('walk', args)).result as Walk,
    copy: async (...args) => void (await call('copy', args)),
    stat: async (...args) => (await call('stat', args)).result as FileFacts,
    list: async (...args) => (await call('list', args)).result as FileList,
    hash: async (path, { signal: _, ...options }) => (await call('hash', [path, options])).result as FileHash,
    rename: async (...args) => void (await call('rename', args)),
    symlink: async (...args) => void (await call('symlink', args)),
    setAttributes: async (...args) => void (await call('setAttributes', args)),
    open: (handles, id, path, mode, { followSymlinks }) =>
      handles.openRemote(id, async () => {
        const helper = await helperFor();
        return helper.open(path, mode, { followSymlinks });
      }),
  };
}

/** What only reads, where all may be read: done here, but for files that would tell about this program. */
function readingHere(confined: FileSystem): Partial<FileSystem> {
  const { getMetadata, readDirectory, canonicalize, walk, stat, list } = hostFiles;
  return {
    getMetadata,
    readDirectory,
    canonicalize,
    walk,
    stat,
    list,
    hash: (path, options) =>
      hostFiles.hash(path, { ...options, refuseProc: true }).catch((error: unknown) => {
        if (error instanceof ProcFileError) return confined.hash(path, options);
        throw error;
      }),
    readFile: (path, links) =>
      unlessProc(
        () => hostFiles.readFile(path, { ...links, refuseProc: true }),
        () => confined.readFile(path, links),
      ),
    open: (handles, id, path, mode, links) => {
      if (mode !== 'read') return confined.open(handles, id, path, mode, links);
      return unlessProc(
        () => hostFiles.open(handles, id, path, mode, { ...links, refuseProc: true }),
        () => confined.open(handles, id, path, mode, links),
      );
    },
  };
}

function unlessProc<Result>(here: () => Result, confined: () => Result): Result {
  try {
    return here();
  } catch (error) {
    if (error instanceof ProcFileError) return confined();
    throw error;
  }
}

/** The helper must find itself where little else is. */
function withHelper(policy: SandboxPolicy): SandboxPolicy {
  const own: Grant[] = [];
  for (const path of [process.execPath, PACKAGE_FOLDER]) {
    // A grant of its own would narrow a wider one to reading.
    if (!isReadable(path, policy)) own.push({ path, access: 'read' });
  }
  return { ...policy, grants: [...policy.grants, ...own], platformFolders: true };
}

function isReadable(path: string, { grants }: SandboxPolicy): boolean {
  const around = grants.filter((grant) => grant.path === '/' || `${path}/`.startsWith(`${grant.path}/`));
  const narrowest = around.sort((one, other) => other.path.length - one.path.length)[0];
  return narrowest !== undefined && narrowest.access !== 'none';
}

function helperSpec(env: Environment): ChildSpec {
  const inherited = INHERITED.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]]));
  // The loader's cache would be a folder of the host.
  if (FROM_SOURCES) inherited.push(['TSX_DISABLE_CACHE', '1']);
  return {
    program: process.execPath,
    args: programArguments(),
    cwd: '/',
    env: Object.fromEntries(inherited) as Record<string, string>,
    stdin: 'pipe',
  };
}

/** From TypeScript sources the helper needs the loader that tests run with; built, it is plain JavaScript. */
function programArguments(): string[] {
  const program = fileURLToPath(new URL('./file-helper.js', import.meta.url));
  if (!FROM_SOURCES) return [program];
  const loader = createRequire(import.meta.url).resolve('tsx');
  return ['--import', pathToFileURL(loader).href, program.replace(/js$/, 'ts')];
}

const PACKAGE_FOLDER = packageFolder(dirname(fileURLToPath(import.meta.url)));

function packageFolder(folder: string): string {
  if (existsSync(join(folder, 'package.json')) || folder === dirname(folder)) return folder;
  return packageFolder(dirname(folder));
}

/** One file, whatever is at its path later. */
function identity(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false, bigint: true });
  // Numbers of removed files are used again at once.
  return stats === undefined ? '' : `${stats.dev}:${stats.ino}:${stats.birthtimeNs}`;
}
