/**
 * The files of an executor that has nothing but processes for a copy, as one end of it: each step is a small program of
 * the shell over there. Slower, and the same in the end. It needs sh, dd, head, stat, mv and sha256sum or the like.
 */

import { constants } from 'node:fs';
import { posix } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { HarnessError } from '../../machines/harness.machine.js';
import type { Harness } from '../harness/harness.js';
import { RemoteError } from '../harness/rpc-client.js';
import type { FileFacts, ListedFile } from '../host/file-facts.js';
import { MODE_BITS } from '../host/file-facts.js';
import { CopyError } from './copy-error.js';
import type { BlockFile, Place } from './place.js';
import { ShellError } from './shell-error.js';

const BLOCK_BYTES = 4 * 1024 * 1024;
const DEPTH = 2;

/** GNU and busybox, then BSD. Prints mode (hex, with the kind), size and seconds. */
const STAT = `facts() { stat -c '%f %s %Y' "$1" 2>/dev/null || stat -f '%Xp %z %m' "$1"; }`;
const HASH =
  'if command -v sha256sum >/dev/null; then sha256sum; elif command -v shasum >/dev/null; then shasum -a 256; else openssl dgst -sha256 -r; fi';

const SCRIPTS = {
  resolve: `case $1 in '~'|'~/'*) printf %s "$HOME\${1#?}";; /*) printf %s "$1";; *) printf %s/%s "$(pwd)" "$1";; esac`,
  stat: `${STAT}; if [ -L "$1" ] || [ -e "$1" ]; then facts "$1" && { [ ! -L "$1" ] || { readlink "$1" && printf x; }; }; fi`,
  follow: `readlink -f "$1" || realpath "$1"`,
  list: `${STAT}; cd "$1" || exit 1; for name in ..?* .[!.]* *; do
    if [ -L "./$name" ] || [ -e "./$name" ]; then
      leads=; [ ! -L "./$name" ] || leads=$(readlink "./$name"; printf x)
      printf '%s\\0%s\\0%s\\0' "$(facts "./$name")" "$leads" "$name" || exit 1
    fi; done`,
  hash: `n=$(wc -c < "$1") || exit 1; [ "$2" = all ] || [ "$n" -le "$2" ] || n=$2
    printf '%s\\n' $n; head -c "$n" "$1" | { ${HASH}; }`,
  touch: 'umask 077; : >> "$1"',
  read: `exec dd if="$1" bs=${BLOCK_BYTES} skip="$2" count=1 2>/dev/null`,
  // Writing the same block twice does no harm.
  write: `head -c "$3" | dd of="$1" ibs=65536 obs=${BLOCK_BYTES} seek="$2" conv=notrunc 2>&1 | grep -v -e records -e copied >&2
    [ "$(wc -c < "$1")" -ge "$4" ]`,
  isReadable: '[ -f "$1" ] && : < "$1"',
  makeFolder: 'mkdir -p "$1"',
  makeLink: 'ln -s "$2" "$1"',
  setMode: '[ -L "$1" ] || chmod "$2" "$1"',
  setTime: '[ -L "$1" ] || TZ=UTC0 touch -t "$2" "$1"',
  // The second time, what is to be moved is gone.
  rename: 'if [ -e "$1" ] || [ -L "$1" ]; then mv -f "$1" "$2"; fi',
  remove: 'rm -f "$1"',
} as const;

const KINDS: ReadonlyMap<number, FileFacts['kind']> = new Map([
  [constants.S_IFREG, 'file'],
  [constants.S_IFDIR, 'directory'],
  [constants.S_IFLNK, 'symlink'],
]);

export function shellPlace(harness: Harness, environmentId: string): Place {
  const shell = new Shell(harness);
  const done = async (script: keyof typeof SCRIPTS, ...args: string[]) => void (await shell.run(script, args));
  return {
    identity: `environment ${environmentId}`,
    show: (path) => `:${path}`,
    // As absolute as it comes; what it then ends with is no slash.
    resolve: async (path) => posix.resolve((await shell.run('resolve', [path])).toString()),
    stat: async (path) => {
      const [first = '', ...rest] = (await shell.run('stat', [path])).toString().split('\n');
      return first === '' ? undefined : factsOf(first, `${rest.join('\n')}`);
    },
    follow: async (path) => (await shell.run('follow', [path])).toString().replace(/\n$/, ''),
    list: async (path) => {
      const fields = (await shell.run('list', [path])).toString().split('\0');
      const entries: ListedFile[] = [];
      let unnameable = 0;
      for (let at = 0; at + 2 < fields.length; at += 3) {
        const [facts = '', leads = '', name = ''] = fields.slice(at, at + 3);
        if (name.includes('\uFFFD')) unnameable += 1;
        else entries.push({ name, ...factsOf(facts, leads) });
      }
      return { entries, unnameable };
    },
    open: (path, access) => openFile(shell, path, access),
    hash: async (path, length) => {
      const [bytes, sum = ''] = (await shell.run('hash', [path, String(length ?? 'all')])).toString().split('\n');
      const sha256 = /^\\?([0-9a-f]{64})\b/.exec(sum)?.[1];
      if (sha256 === undefined)
        throw new CopyError('no_checksum', 'there is no sha256sum, shasum or openssl over there');
      return { sha256, length: Number(bytes) };
    },
    makeFolder: (path) => done('makeFolder', path),
    makeLink: (path, target) => done('makeLink', path, target),
    setAttributes: async (path, { mode, modifiedAtMs }) => {
      if (mode !== undefined) await done('setMode', path, mode.toString(8));
      if (modifiedAtMs !== undefined) await done('setTime', path, touchTime(modifiedAtMs));
    },
    rename: (source, destination) => done('rename', source, destination),
    remove: (path) => done('remove', path),
  };
}

async function openFile(shell: Shell, path: string, access: 'read' | 'write'): Promise<BlockFile> {
  await shell.run(access === 'read' ? 'isReadable' : 'touch', [path]);
  const block = (offset: number) => String(offset / BLOCK_BYTES);
  return {
    blockBytes: BLOCK_BYTES,
    depth: DEPTH,
    read: (offset, length) => shell.run('read', [path, block(offset)]).then((bytes) => bytes.subarray(0, length)),
    write: async (offset, bytes) => {
      const end = offset + bytes.length;
      await shell.run('write', [path, block(offset), String(bytes.length), String(end)], bytes);
    },
    close: async () => {},
  };
}

class Shell {
  readonly #harness: Harness;
  #isOver = false;

  constructor(harness: Harness) {
    this.#harness = harness;
    void harness.over.then(() => {
      this.#isOver = true;
    });
  }

  /** What it prints. Each script may run twice: after an interruption nobody knows whether it ran. */
  async run(script: keyof typeof SCRIPTS, args: readonly string[], input?: Buffer): Promise<Buffer> {
    for (;;) {
      try {
        return await this.#runOnce(SCRIPTS[script], args, input);
      } catch (error) {
        if (!(error instanceof HarnessError) || this.#isOver || !INTERRUPTIONS.includes(error.code)) throw error;
      }
    }
  }

  async #runOnce(script: string, args: readonly string[], input: Buffer | undefined): Promise<Buffer> {
    const child = await this.#start(['sh', '-c', script, 'sh', ...args], input !== undefined);
    // How it went, its end tells.
    child.stdin.on('error', () => {});
    if (input !== undefined) child.stdin.write(input);
    const outputs = Promise.all([buffer(child.stdout), buffer(child.stderr)]);
    outputs.catch(() => {});
    const { exitCode } = await child.closed;
    const [stdout, stderr] = await outputs;
    if (exitCode !== 0) throw new ShellError(stderr.toString(), exitCode);
    return stdout;
  }

  async #start(argv: readonly string[], stdin: boolean) {
    try {
      return await this.#harness.startProcess({ argv, stdin, env: { LC_ALL: 'C' } });
    } catch (error) {
      if (!(error instanceof RemoteError)) throw error;
      const { version } = this.#harness.environment;
      const release = version === undefined ? '' : ` (release ${version})`;
      throw new CopyError(
        'no_shell',
        `the executor${release} can copy only with a shell, and has none (${error.message}): it needs one of signalbox`,
        error,
      );
    }
  }
}

const INTERRUPTIONS = ['fate_unknown', 'output_lost', 'session_lost', 'transport_lost'];

/** `facts` as the script prints them; `leads` has an `x` behind, so that no line end is lost. */
function factsOf(facts: string, leads: string): FileFacts {
  const [mode = '0', size, seconds] = facts.split(' ');
  const bits = Number.parseInt(mode, 16);
  const kind = KINDS.get(bits & constants.S_IFMT) ?? 'other';
  const known = { kind, size: Number(size), mode: bits & MODE_BITS, modifiedAtMs: Number(seconds) * 1000 };
  return kind === 'symlink' ? { ...known, target: leads.replace(/\nx$/, '') } : known;
}

/** As touch(1) takes it: CCYYMMDDhhmm.SS */
function touchTime(ms: number): string {
  const digits = new Date(ms).toISOString().replace(/\D/g, '');
  return `${digits.slice(0, 12)}.${digits.slice(12, 14)}`;
}
