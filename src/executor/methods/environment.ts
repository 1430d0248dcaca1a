/**
 * environment/info and environment/status (jsonrpc.md §5).
 */
import * as v from 'valibot';
import { invalidType } from '../../rpc/params.js';
import { type ExecutorMethod, method } from './method.js';

/** Absent, null or any object. */
const noParams = v.union(
  [v.null(), v.custom<object>((input) => typeof input === 'object' && !Array.isArray(input))],
  (issue) => invalidType(issue.input, 'unit'),
);

export const environmentMethods: Readonly<Record<string, ExecutorMethod>> = {
  'environment/info': method('environment info', noParams, (_params, { host }) => host.environment),
  'environment/status': method('environment status', noParams, () => ({ status: 'ready' })),
};
