/**
 * What `signalbox doctor` looks at on this machine, without the network: the program that runs us, what it was built
 * with, and the files that hold tokens.
 */
import { constants as fsConstants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { packageVersion } from '../executor/package-version.js';
import { findBubblewrap } from '../host/sandbox/bubblewrap.js';
import { FileTokenStore } from '../rendezvous/token-store.js';
import { type Finding, fail, messageOf, ok, warn } from './finding.js';
import { defaultTokenFile, stateFolder } from './state-folder.js';
import { readUpState } from './up-state.js';

/** As `engines` of package.json has it. */
const OLDEST_NODE = [20, 19] as const;
/** A busy rendezvous or executor has a socket or some pipes for each stream and process. */
const FEW_OPEN_FILES = 4096;

export async function* checkMachine(tokenFile: string | undefined): AsyncGenerator<Finding> {
  yield ok('signalbox', packageVersion());
  yield node(process.versions.node);
  yield openFiles();
  yield bufferutil();
  yield await bubblewrap();
  yield await folder();
  yield await tokenStore();
  yield await upState();
  if (tokenFile !== undefined) yield await secretFile('token file', tokenFile);
}

function node(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_NODE;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return ok('node', version);
  return fail('node', `${version} is too old`, `install Node ${oldestMajor}.${oldestMinor} or newer`);
}

/** Node raises the soft limit to the hard one when it starts, so the hard one counts. */
function openFiles(): Finding {
  const { userLimits } = process.report.getReport() as {
    readonly userLimits?: { readonly open_files?: { readonly soft: number | string } };
  };
  const limit = userLimits?.open_files?.soft;
  if (limit === undefined) return ok('open files', 'this system does not tell a limit');
  if (typeof limit === 'string' || limit >= FEW_OPEN_FILES) return ok('open files', `up to ${limit}`);
  return warn(
    'open files',
    `only ${limit} at a time`,
    'raise the hard limit (ulimit -Hn) before starting a daemon here',
  );
}

function bufferutil(): Finding {
  try {
    const { mask } = createRequire(import.meta.url)('bufferutil') as { readonly mask: () => void };
    if (String(mask).includes('[native code]')) return ok('bufferutil', 'native');
  } catch {
    // Said below.
  }
  const remedy = 'works, more slowly; reinstall with install scripts allowed, or with a compiler, for more speed';
  return warn('bufferutil', 'its native part is not there', remedy);
}

async function bubblewrap(): Promise<Finding> {
  try {
    return ok('bubblewrap here', (await findBubblewrap(process.env.PATH)).path);
  } catch (error) {
    return warn('bubblewrap here', messageOf(error), 'needed only where an executor of this machine is to sandbox');
  }
}

async function folder(): Promise<Finding> {
  const path = stateFolder();
  const mode = await modeOf(path);
  if (mode === undefined) return ok('state folder', `${path} is not there yet, and is made when it is needed`);
  if ((mode & 0o077) !== 0) return fail('state folder', `${path} is open to other users`, `chmod 700 ${path}`);
  return ok('state folder', path);
}

async function tokenStore(): Promise<Finding> {
  const path = defaultTokenFile();
  if ((await modeOf(path)) === undefined) return ok('token store', 'no tokens were created here');
  try {
    const count = (await new FileTokenStore(path).list()).length;
    return ok('token store', `${path} holds ${count} ${count === 1 ? 'token' : 'tokens'}, hashed`);
  } catch (error) {
    return fail('token store', messageOf(error), 'until then no rendezvous starts with it');
  }
}

async function upState(): Promise<Finding> {
  const path = join(stateFolder(), 'up.json');
  try {
    const state = await readUpState();
    if (state === undefined) return ok('signalbox up', 'does not run here');
    if (((await modeOf(path)) ?? 0) & 0o077)
      return fail('signalbox up', `${path} holds a token, and other users can read it`, `chmod 600 ${path}`);
    return ok('signalbox up', `runs here, process ${state.pid}, at ${state.rendezvous}`);
  } catch (error) {
    return fail('signalbox up', messageOf(error), 'then run signalbox up again');
  }
}

/** One that holds a token as it is. */
async function secretFile(check: string, path: string): Promise<Finding> {
  try {
    await access(path, fsConstants.R_OK);
  } catch (error) {
    return fail(check, `${path} cannot be read: ${messageOf(error)}`, 'give the file that holds the harness token');
  }
  if ((((await modeOf(path)) ?? 0) & 0o077) === 0) return ok(check, path);
  return warn(check, `${path} can be read by other users`, `chmod 600 ${path}`);
}

/** Permission bits; undefined where there is nothing, and on systems that have none. */
async function modeOf(path: string): Promise<number | undefined> {
  try {
    const { mode } = await stat(path);
    return process.platform === 'win32' ? 0o600 : mode & 0o777;
  } catch {
    return undefined;
  }
}
