/**
 * What all fs methods have in common: the file system of the sandbox that was asked for, paths resolved, and what the system refuses becomes the
 * error of the family (jsonrpc.md §6).
 */
import * as v from 'valibot';
import { type FileSystem, hostFiles } from '../../host/file-system.js';
import type { LinkOption } from '../../host/files.js';
import { flag } from '../../rpc/params.js';
import { RpcCode } from '../../rpc/rpc-error.js';
import type { MethodResult } from '../../rpc/rpc-method.js';
import type { ExecutorConnection } from '../executor-connection.js';
import { sandboxParam, sandboxPolicy } from '../sandbox-request.js';
import { asFileError } from '../system-error.js';
import { filePath, pathParam } from '../wire-path.js';
import { type ExecutorMethod, method } from './method.js';

export const path = pathParam();
export const sandbox = sandboxParam();
export const followSymlinks = v.nullish(flag());

type Path = v.InferOutput<typeof path>;
type SandboxMember = { readonly sandbox?: v.InferOutput<typeof sandbox> };

/** A method on one path. */
export function fileMethod<const Schema extends v.GenericSchema<unknown, SandboxMember & { readonly path: Path }>>(
  schema: Schema,
  call: (
    native: string,
    params: v.InferOutput<Schema>,
    files: FileSystem,
    connection: ExecutorConnection,
  ) => MethodResult,
): ExecutorMethod {
  return filesystemMethod(schema, (params, connection) => {
    const native = filePath(params.path, connection.host.env);
    return call(native, params, fileSystem(params, connection), connection);
  });
}

/** The host's own, or the one within the sandbox of the request. Throws RpcError. */
export function fileSystem({ sandbox }: SandboxMember, { host }: ExecutorConnection): FileSystem {
  if (sandbox === null || sandbox === undefined) return hostFiles;
  const subject = { name: 'fs', code: RpcCode.invalidRequest } as const;
  return host.confinedFiles.within(sandboxPolicy(sandbox, { subject, env: host.env }));
}

/** A method of the family, whatever it works on; one with a `sandbox` member looks at it itself. */
export function filesystemMethod<const Schema extends v.GenericSchema>(
  schema: Schema,
  call: (params: v.InferOutput<Schema>, connection: ExecutorConnection) => MethodResult,
): ExecutorMethod {
  return method('filesystem', schema, (params, connection) => {
    try {
      const result = call(params, connection);
      if (!(result instanceof Promise)) return result;
      return result.catch((error: unknown) => {
        throw asFileError(error);
      });
    } catch (error) {
      throw asFileError(error);
    }
  });
}

export function links(params: { readonly followSymlinks?: boolean | null | undefined }): LinkOption {
  return { followSymlinks: params.followSymlinks ?? true };
}
