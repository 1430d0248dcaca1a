/**
 * The `sandbox` member of a request (jsonrpc.md §8): decoded as the newest release decodes it, with its words, and
 * made into a policy for this host. A request for a sandbox is never ignored: what cannot be enforced is refused.
 */
import { isAbsolute, normalize, resolve } from 'node:path';
import * as v from 'valibot';
import type { Environment } from '../host/env-policy.js';
import type { WirePath } from '../host/paths.js';
import type { Access, Grant, SandboxPolicy } from '../host/sandbox/sandbox-policy.js';
import { flag, list, oneOf, struct, tagged, text } from '../rpc/params.js';
import { RpcCode, RpcError } from '../rpc/rpc-error.js';
import { pathParam } from './wire-path.js';

const network = oneOf(['restricted', 'enabled']);

const specialPath = tagged('WireFileSystemSpecialPath', {
  path: { path: pathParam() },
  glob_pattern: { pattern: text() },
  special: {
    value: struct('FileSystemSpecialPath', {
      kind: oneOf(['root', 'minimal', 'current_working_directory', 'project_roots', 'tmpdir', 'slash_tmp', 'unknown']),
      subpath: v.nullish(text()),
    }),
  },
});

const entry = struct('FileSystemSandboxEntry', {
  path: specialPath,
  access: oneOf(['read', 'write', 'deny', 'none']),
  missing_path_behavior: v.nullish(oneOf(['skip'])),
});

const fileSystem = tagged('ManagedFileSystemPermissions', {
  restricted: { entries: list(entry), glob_scan_max_depth: v.nullish(nonzero()) },
  unrestricted: {},
});

const permissions = tagged('ExecPermissionProfile', {
  managed: { file_system: fileSystem, network },
  disabled: {},
  external: { network },
});

const policyContext = struct('WireSandboxPolicyContext', {
  cwd: v.nullish(pathParam()),
  workspaceRoots: v.nullish(list(pathParam())),
});

/** Null or absent asks for none. */
export const sandboxParam = () =>
  v.nullish(
    struct('WireFileSystemSandboxContext', {
      permissions,
      cwd: v.nullish(pathParam()),
      policyContext: v.nullish(policyContext),
      workspaceRoots: v.nullish(list(pathParam())),
      windowsSandboxLevel: oneOf(['disabled', 'restricted-token', 'elevated', 'mxc']),
      windowsSandboxPrivateDesktop: v.nullish(flag()),
      useLegacyLandlock: v.nullish(flag()),
    }),
  );

export type SandboxRequest = NonNullable<v.InferOutput<ReturnType<typeof sandboxParam>>>;
type Entry = v.InferOutput<typeof entry>;

export interface SandboxScene {
  /** For messages: what is being prepared, and the code of its family's faults. */
  readonly subject: { readonly name: 'process' | 'fs'; readonly code: RpcCode };
  /** Whose TMPDIR is meant. */
  readonly env: Environment;
  /** The workspace of a client that names none; absolute. File operations have none. */
  readonly cwd?: string;
}

/** What depends on where the client works. */
const DYNAMIC_KINDS: readonly unknown[] = ['project_roots', 'current_working_directory'];
const EVERYTHING: Grant = { path: '/', access: 'write' };

/** Throws RpcError when the request names what this host cannot enforce. */
export function sandboxPolicy(request: SandboxRequest, scene: SandboxScene): SandboxPolicy {
  const { permissions: profile } = request;
  const cwd = request.cwd ? nativePath(request.cwd, 'policy cwd', scene) : scene.cwd;
  const roots = workspaceRoots(request, scene) ?? (cwd === undefined ? [] : [cwd]);
  if (profile.type === 'disabled') return { grants: [EVERYTHING], platformFolders: false, network: true };
  const withNetwork = profile.network === 'enabled';
  if (profile.type === 'external' || profile.file_system.type === 'unrestricted') {
    return { grants: [EVERYTHING], platformFolders: false, network: withNetwork };
  }
  const { entries } = profile.file_system;
  if (cwd === undefined && entries.some(({ path }) => DYNAMIC_KINDS.includes(specialKind(path)))) {
    throw new RpcError(RpcCode.invalidParams, 'file system sandbox context with dynamic permissions requires cwd');
  }
  return {
    grants: entries.flatMap((item) => grantsOf(item, roots, scene)),
    platformFolders: entries.some(({ path, access }) => specialKind(path) === 'minimal' && accessOf(access) !== 'none'),
    network: withNetwork,
  };
}

function grantsOf({ path, access: asked }: Entry, roots: readonly string[], scene: SandboxScene): Grant[] {
  const access = accessOf(asked);
  switch (path.type) {
    case 'path':
      return [{ path: nativePath(path.path, 'permission path', scene), access }];
    case 'glob_pattern':
      // As in the releases, a pattern can take away but not grant.
      if (access !== 'none') return [];
      throw refused(scene, `patterns are not supported (\`${path.pattern}\`): name the paths`);
    case 'special':
      return specialPaths(path.value, roots, scene).map((native) => ({ path: native, access }));
  }
}

/** What names no path of this host grants nothing, as in the newest release. */
function specialPaths({ kind, subpath }: Special, roots: readonly string[], scene: SandboxScene): string[] {
  switch (kind) {
    case 'root':
      return ['/'];
    case 'slash_tmp':
      return ['/tmp'];
    case 'tmpdir':
      return scene.env.TMPDIR && isAbsolute(scene.env.TMPDIR) ? [normalize(scene.env.TMPDIR)] : [];
    case 'project_roots':
      if (!subpath) return [...roots];
      if (isAbsolute(subpath) || subpath.split('/').includes('..')) {
        throw refused(scene, `the permission subpath \`${subpath}\` leads out of its project root`);
      }
      return roots.map((root) => resolve(root, subpath));
    default:
      return [];
  }
}

type Special = Extract<Entry['path'], { type: 'special' }>['value'];

function specialKind(path: Entry['path']): string | undefined {
  return path.type === 'special' ? path.value.kind : undefined;
}

function accessOf(access: Entry['access']): Access {
  return access === 'deny' ? 'none' : access;
}

/** Undefined from clients that know neither list (0.142.5): they mean the working folder. */
function workspaceRoots(request: SandboxRequest, scene: SandboxScene): string[] | undefined {
  const lists = [request.workspaceRoots, request.policyContext?.workspaceRoots];
  const natives = lists.map((paths) => (paths ?? []).map((path) => nativePath(path, 'workspace root', scene)));
  if (request.workspaceRoots === undefined && request.policyContext === undefined) return undefined;
  return natives.find((paths) => paths.length > 0) ?? [];
}

function nativePath({ native, foreignUri }: WirePath, what: string, scene: SandboxScene): string {
  if (foreignUri !== undefined) {
    throw refused(scene, `invalid sandbox ${what}: '${foreignUri}' is invalid on '${process.platform}'`);
  }
  if (!isAbsolute(native)) throw new RpcError(RpcCode.invalidParams, 'invalid URI: relative URL without a base');
  if (native.includes('\0')) throw new RpcError(RpcCode.invalidParams, 'a path must not contain a NUL byte');
  return resolve(native);
}

function refused({ subject }: SandboxScene, reason: string): RpcError {
  return new RpcError(subject.code, `failed to prepare ${subject.name} sandbox: ${reason}`);
}

function nonzero() {
  return v.pipe(
    v.number('invalid type: expected usize'),
    v.check((value) => Number.isInteger(value) && value >= 0, 'invalid number'),
    v.check((value) => value !== 0, 'invalid value: integer `0`, expected a nonzero usize'),
  );
}
