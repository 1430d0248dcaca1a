/**
 * `npm run peers -- VERSION…` (all known ones when none is named): installs real releases for the tests, each in a
 * folder of its own below the cache folder, through npm as the user configured it. May be run again, and twice at once:
 * a release appears under its name only when it is complete.
 */
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { findProgram, PEER_PACKAGE, PEER_VERSIONS, peersFolder } from './codex-binary.js';

/** An unfinished folder older than this was left behind by a run that was killed. */
const ABANDONED_AFTER_MS = 60 * 60 * 1000;

async function install(version: string): Promise<string> {
  const present = findProgram(version);
  if (present !== undefined) return `codex ${version} is there: ${present}`;
  const target = join(peersFolder(), version);
  const partial = await mkdtemp(`${target}.partial-`);
  try {
    // Without a package.json of its own npm would look for one in the folders above and install there.
    await writeFile(join(partial, 'package.json'), '{ "private": true }\n');
    const alias = `${PEER_PACKAGE}@npm:@openai/codex@${version}-${process.platform}-${process.arch}`;
    await npm(['install', '--no-save', '--no-audit', '--no-fund', alias], partial);
    if (findProgram(version, partial) === undefined) {
      throw new Error(`codex ${version} was installed but holds no program where tests look for it`);
    }
    await putInPlace(partial, target);
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
  const program = findProgram(version);
  if (program === undefined) throw new Error(`${target} holds no complete release: remove that folder and try again`);
  return `codex ${version} installed: ${program}`;
}

/** Renaming is atomic. It fails when another run was quicker, or when an incomplete folder bears the name. */
async function putInPlace(partial: string, target: string): Promise<void> {
  try {
    await rename(partial, target);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
  }
}

function npm(args: readonly string[], cwd: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('npm', args, { cwd, stdio: ['ignore', 'inherit', 'inherit'] });
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`npm ${args.join(' ')} ended with ${signal ?? `exit code ${code}`}`));
    });
  });
}

async function removeAbandoned(): Promise<void> {
  for (const name of await readdir(peersFolder())) {
    if (!name.includes('.partial-')) continue;
    const path = join(peersFolder(), name);
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }));
    if (Date.now() - mtimeMs > ABANDONED_AFTER_MS) await rm(path, { recursive: true, force: true });
  }
}

async function main(args: readonly string[]): Promise<void> {
  const versions = args.length > 0 ? args : PEER_VERSIONS;
  const malformed = versions.filter((version) => !/^\d+\.\d+\.\d+$/.test(version));
  if (malformed.length > 0) throw new Error(`not a release number like ${PEER_VERSIONS[0]}: ${malformed.join(', ')}`);
  await mkdir(peersFolder(), { recursive: true });
  await removeAbandoned();
  for (const version of versions) process.stdout.write(`${await install(version)}\n`);
}

main(process.argv.slice(2)).catch((error: Error) => {
  process.stderr.write(`peers: ${error.message}\n`);
  process.exitCode = 1;
});
