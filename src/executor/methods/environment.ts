/**
 * environment/* and what harnesses ask of the machine around it: its configuration and its capability roots
 * (jsonrpc.md §5). This executor keeps no configuration of a harness and offers no plugins or skills of its own; it
 * says so in the shapes harnesses read.
 */
import { lstatSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { callSystem, OsError } from '../../host/os-error.js';
import { formatPath, toFileUri } from '../../host/paths.js';
import { list, noParams, struct, text } from '../../rpc/params.js';
import { RpcCode, RpcError } from '../../rpc/rpc-error.js';
import type { ExecutorConnection } from '../executor-connection.js';
import { filePath, pathParam } from '../wire-path.js';
import { type ExecutorMethod, method } from './method.js';

const path = pathParam();
const roots = list(struct('CapabilityRoot', { id: text(), path }));
const keyPaths = list(list(text()));
const configReadParams = struct('EnvironmentConfigReadParams', {
  cwd: path,
  configPaths: keyPaths,
  requirementsPaths: keyPaths,
});
const discoverV1Params = struct('CapabilityRootsDiscoverParams', { roots });
const discoverV2Params = struct('CapabilitiesDiscoverParams', { cwd: path, roots: v.optional(roots) });

const NO_LAYERS = { layers: [], cloudInsertionIndex: 0 };

export const environmentMethods: Readonly<Record<string, ExecutorMethod>> = {
  'environment/info': method('environment info', noParams, (_params, { host }) => host.environment),

  'environment/status': method('environment status', noParams, () => ({ status: 'ready' })),

  'environmentConfig/read': method('environment config', configReadParams, (params, { host }) => {
    if (params.configPaths.length + params.requirementsPaths.length === 0) {
      throw new RpcError(RpcCode.invalidParams, 'at least one config or requirements path is required');
    }
    const { userHomeDir } = host.environment;
    const codexHomeDir = host.env.CODEX_HOME ? toFileUri(host.env.CODEX_HOME) : `${userHomeDir}/.codex`;
    return { userHomeDir, codexHomeDir, hostname: hostname(), config: NO_LAYERS, requirements: NO_LAYERS };
  }),

  'capabilityRoots/discoverV1': method('capability discovery', discoverV1Params, (params, connection) => ({
    roots: params.roots.map(({ id, path: root }) => ({
      id,
      path: formatPath(root.native, root.form),
      plugin: null,
      skills: [],
      namespaceManifests: [],
      warnings: warningsOf([root.native]),
      error: faultOf(root, connection),
    })),
  })),

  'capabilities/discoverV2': method('capability discovery', discoverV2Params, ({ roots: given = [] }) => ({
    plugins: [],
    skills: [],
    warnings: warningsOf(given.map(({ path: root }) => root.native)),
  })),
};

/** Why a root cannot be looked at, in the peers' words. */
function faultOf(root: v.InferOutput<typeof path>, { host }: ExecutorConnection): string | null {
  try {
    callSystem(() => lstatSync(filePath(root, host.env)));
    return null;
  } catch (error) {
    if (!(error instanceof OsError || error instanceof RpcError)) throw error;
    return `failed to inspect capability root ${formatPath(root.native, root.form)}: ${error.message}`;
  }
}

/** A root that does hold something must not look as if it held nothing. */
function warningsOf(natives: readonly string[]): string[] {
  return natives
    .filter((root) => ['skills', 'SKILL.md', '.codex-plugin'].some((name) => exists(join(root, name))))
    .map((root) => `this executor does not look for skills and plugins; what is in ${root} was left out`);
}

function exists(candidate: string): boolean {
  try {
    return lstatSync(candidate, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}
