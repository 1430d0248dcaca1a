/**
 * What all fs methods have in common: sandboxes are refused, paths resolved, and what the system refuses becomes the
 * error of the family (jsonrpc.md §6).
 */
import * as v from 'valibot';
import type { LinkOption } from '../../host/files.js';
import { flag } from '../../rpc/params.js';
import type { MethodResult } from '../../rpc/rpc-method.js';
import type { ExecutorConnection } from '../executor-connection.js';
import { requireUnsandboxed, sandboxParam } from '../sandbox-request.js';
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
  call: (native: string, params: v.InferOutput<Schema>, connection: ExecutorConnection) => MethodResult,
): ExecutorMethod {
  return filesystemMethod(schema, (params, connection) => {
    requireUnsandboxed(params.sandbox);
    return call(filePath(params.path, connection.host.env), params, connection);
  });
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
