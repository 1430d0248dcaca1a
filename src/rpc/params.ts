/**
 * Schemas of parameters whose faults read like the peers' own (jsonrpc.md §2, common decode texts), because harnesses
 * show them. Every schema writes its final text; `decodeParams` only chooses which one is told.
 * It knows JSON shapes, not methods.
 */
import * as v from 'valibot';
import { decodeBase64 } from './base64-text.js';
import { RpcCode, RpcError } from './rpc-error.js';

function describe(input: unknown): string {
  if (input === null) return 'null';
  if (Array.isArray(input)) return 'sequence';
  switch (typeof input) {
    case 'string':
      return `string ${JSON.stringify(input)}`;
    case 'boolean':
      return `boolean \`${input}\``;
    case 'number':
      return 'number';
    default:
      return 'map';
  }
}

function invalidType(input: unknown, expected: string): string {
  return `invalid type: ${describe(input)}, expected ${expected}`;
}

export const text = () => v.string((issue) => invalidType(issue.input, 'a string'));
export const flag = () => v.boolean((issue) => invalidType(issue.input, 'a boolean'));

/** An unsigned integer; `name` is what the peers call it, `u64` or `usize`. */
export const unsigned = (name: 'u64' | 'usize') =>
  v.pipe(
    v.number((issue) => invalidType(issue.input, name)),
    v.check((value) => Number.isInteger(value) && value >= 0, 'invalid number'),
  );

/** An unsigned integer of our own extensions, within bounds. */
export function bounded(name: string, least: number, most: number) {
  const within = (value: number) => value >= least && value <= most;
  return v.pipe(unsigned('u64'), v.check(within, `${name} must be between ${least} and ${most}`));
}

export const list = <const Item extends v.GenericSchema>(item: Item) =>
  v.array(item, (issue) => invalidType(issue.input, 'a sequence'));

export const textMap = () => v.record(v.string(), text(), (issue) => invalidType(issue.input, 'a map'));

/** Any JSON value. */
export const anything = () => v.unknown();

/** Absent, null or any object. */
export const noParams = v.union(
  [v.null(), v.custom<object>((input) => typeof input === 'object' && !Array.isArray(input))],
  (issue) => invalidType(issue.input, 'unit'),
);

/** `ours` is taken too, and named in no fault. */
export const oneOf = <const Options extends readonly string[], const Ours extends readonly string[] = []>(
  options: Options,
  ours?: Ours,
) =>
  v.picklist([...options, ...(ours ?? [])] as readonly (Options[number] | Ours[number])[], (issue) =>
    typeof issue.input === 'string'
      ? `unknown variant \`${issue.input}\`, expected ${alternatives(options)}`
      : invalidType(issue.input, 'string or map'),
  );

function alternatives(options: readonly string[]): string {
  const quoted = options.map((option) => `\`${option}\``);
  return quoted.length <= 2 ? quoted.join(' or ') : `one of ${quoted.join(', ')}`;
}

/** Standard base64, decoded. */
export const base64 = () =>
  v.pipe(
    text(),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      const result = decodeBase64(dataset.value);
      if ('bytes' in result) return result.bytes;
      addIssue({ message: result.fault });
      return NEVER;
    }),
  );

/**
 * `name` is what the peers call the struct; members are in their order, which a positional array follows. `ours` are
 * members that only this executor knows: they have no position.
 */
export function struct<
  const Entries extends v.ObjectEntries,
  const Ours extends v.ObjectEntries = Record<never, never>,
>(name: string, entries: Entries, ours?: Ours) {
  const keys = Object.keys(entries);
  const object = v.object({ ...entries, ...ours } as Entries & Ours, (issue) =>
    issue.expected?.startsWith('"')
      ? `missing field \`${issue.expected.slice(1, -1)}\``
      : invalidType(issue.input, `struct ${name}`),
  );
  return v.pipe(
    v.unknown(),
    v.rawTransform(({ dataset, addIssue, NEVER }): unknown => {
      if (!Array.isArray(dataset.value)) return dataset.value;
      const positional: unknown[] = dataset.value;
      if (positional.length === keys.length) return Object.fromEntries(keys.map((key, at) => [key, positional[at]]));
      addIssue({
        message: `invalid length ${positional.length}, expected struct ${name} with ${keys.length} elements`,
      });
      return NEVER;
    }),
    object,
  );
}

/**
 * An object whose member `type` chooses the struct for the others, as the peers' internally tagged enums; `name` is
 * what they call it. The result has `type` too.
 */
export function tagged<const Variants extends Readonly<Record<string, v.ObjectEntries>>>(
  name: string,
  variants: Variants,
) {
  type Tagged = {
    [Type in keyof Variants & string]: { readonly type: Type } & v.InferOutput<
      v.ObjectSchema<Variants[Type], undefined>
    >;
  }[keyof Variants & string];
  const types = oneOf(Object.keys(variants));
  const structs = Object.fromEntries(Object.entries(variants).map(([type, entries]) => [type, struct(name, entries)]));
  return v.pipe(
    v.unknown(),
    v.rawTransform(({ dataset: { value }, addIssue, NEVER }): Tagged => {
      const fail = (message: string) => {
        addIssue({ message });
        return NEVER;
      };
      if (typeof value !== 'object' || value === null) {
        return fail(invalidType(value, `internally tagged enum ${name}`));
      }
      const type = v.safeParse(types, (value as { type?: unknown }).type);
      if (!('type' in value)) return fail('missing field `type`');
      if (!type.success) return fail(type.issues[0].message);
      const members = v.safeParse(structs[type.output] as v.GenericSchema, value);
      if (!members.success) return fail(firstFault(members.issues, value, 0).message);
      return { type: type.output, ...(members.output as object) } as Tagged;
    }),
  );
}

/** Throws `RpcError` -32602 with the fault a peer would name first. Absent params count as null. */
export function decodeParams<Schema extends v.GenericSchema>(schema: Schema, params: unknown): v.InferOutput<Schema> {
  const input = params === undefined ? null : params;
  const result = v.safeParse(schema, input);
  if (result.success) return result.output;
  throw new RpcError(RpcCode.invalidParams, firstFault(result.issues, input, 0).message);
}

/**
 * The peers read members in the order they come and look for missing ones at the end; valibot follows the schema.
 */
function firstFault(issues: readonly v.BaseIssue<unknown>[], input: unknown, depth: number): v.BaseIssue<unknown> {
  const order = typeof input === 'object' && input !== null ? Object.keys(input) : [];
  const rank = (issue: v.BaseIssue<unknown>): number => {
    const key = issue.path?.[depth]?.key;
    if (key === undefined) return -1;
    const at = order.indexOf(String(key));
    return at === -1 ? order.length : at;
  };
  // Sorting is stable: missing members keep the order of the schema.
  const sorted = [...issues].sort((a, b) => rank(a) - rank(b));
  const first = sorted[0] as v.BaseIssue<unknown>;
  const key = first.path?.[depth]?.key;
  if (key === undefined || !order.includes(String(key))) return first;
  const same = sorted.filter((issue) => issue.path?.[depth]?.key === key);
  return firstFault(same, (input as Record<string, unknown>)[String(key)], depth + 1);
}
