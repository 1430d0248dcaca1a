/**
 * The `sandbox` member of a request (jsonrpc.md §8): decoded as the peers decode it, and refused when it asks for
 * anything this executor cannot enforce. A request for a sandbox is never ignored.
 */
import * as v from 'valibot';
import { anything, oneOf, struct, text } from '../rpc/params.js';
import { RpcCode, RpcError } from '../rpc/rpc-error.js';

/** Null or absent asks for none. */
export const sandboxParam = () =>
  v.nullish(
    struct('WireFileSystemSandboxContext', {
      permissions: v.looseObject({ type: oneOf(['managed', 'disabled', 'external']) }, (issue) =>
        issue.expected?.startsWith('"')
          ? 'missing field `type`'
          : 'invalid type: expected internally tagged enum PermissionProfile',
      ),
      windowsSandboxLevel: text(),
      windowsSandboxPrivateDesktop: v.optional(anything()),
      useLegacyLandlock: v.optional(anything()),
      cwd: v.optional(anything()),
      policyContext: v.optional(anything()),
    }),
  );

type SandboxRequest = v.InferOutput<ReturnType<typeof sandboxParam>>;

/** Throws RpcError -32603 unless the request may run without a sandbox. */
export function requireUnsandboxed(sandbox: SandboxRequest): void {
  if (sandbox === null || sandbox === undefined || sandbox.permissions.type === 'disabled') return;
  throw new RpcError(
    RpcCode.internal,
    `this executor cannot enforce a sandbox (permissions type \`${sandbox.permissions.type}\`): ask for type \`disabled\` or send no sandbox`,
  );
}
