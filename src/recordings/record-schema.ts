/**
 * What a line of a recording must be before anybody works with it: the shapes of src/observe/record.ts, checked. Fields
 * that are not known are let through, as newer programs may add some.
 */
import * as v from 'valibot';

const at = v.pipe(v.number(), v.finite());
const name = v.pipe(v.string(), v.maxLength(4096));
const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const uint32 = v.pipe(count, v.maxValue(0xffff_ffff));
const facts = v.record(v.string(), v.union([v.number(), v.string(), v.boolean()]));
const figures = v.record(v.string(), v.number());
const states = v.array(name);
const role = v.picklist(['harness', 'executor']);
const status = v.picklist(['active', 'done', 'error', 'stopped']);

const schemas = {
  'observing.started': v.looseObject({
    at,
    version: count,
    program: name,
    wallTime: v.pipe(v.number(), v.finite()),
    payloads: v.boolean(),
    seed: v.optional(v.number()),
  }),
  'endpoint.opened': v.looseObject({
    at,
    endpoint: count,
    role,
    retry: v.picklist(['always', 'never', 'resume']),
    encryption: v.picklist(['never', 'always', 'either']),
    limits: figures,
    timing: figures,
    streamTiming: figures,
  }),
  'actor.appeared': v.looseObject({
    at,
    actor: name,
    id: name,
    parent: v.optional(name),
    chart: v.optional(name),
    status,
    states,
    facts,
    primed: v.optional(v.literal(true)),
  }),
  'actor.received': v.looseObject({ at, actor: name, source: v.optional(name), event: name, facts }),
  'actor.changed': v.looseObject({ at, actor: name, event: name, states, edges: v.array(name), facts }),
  'actor.sampled': v.looseObject({ at, actor: name, states }),
  'actor.ended': v.looseObject({
    at,
    actor: name,
    status: v.picklist(['done', 'error', 'stopped']),
    states,
    error: v.optional(v.looseObject({ name, code: v.optional(name), message: name })),
  }),
  frame: v.looseObject({
    at,
    endpoint: count,
    stream: name,
    dir: v.picklist(['in', 'out']),
    kind: v.picklist(['data', 'ack', 'resume', 'reset', 'heartbeat', 'handshake']),
    reliable: v.boolean(),
    ack: uint32,
    ackBits: uint32,
    window: v.optional(uint32),
    seq: v.optional(uint32),
    index: v.optional(uint32),
    count: v.optional(uint32),
    bytes: v.optional(count),
    nextSeq: v.optional(uint32),
    reason: v.optional(name),
    cause: v.optional(v.picklist(['passed', 'late', 'probe', 'resumed'])),
    payload: v.optional(v.string()),
  }),
  'frame.rejected': v.looseObject({ at, endpoint: count, stream: v.optional(name), code: name }),
  'chance.drawn': v.looseObject({ at, endpoint: count, value: v.pipe(v.number(), v.minValue(0), v.maxValue(1)) }),
  'records.dropped': v.looseObject({ at, count, why: v.picklist(['load', 'slow']) }),
  'socket.attached': v.looseObject({ at, socket: count, role }),
  'socket.detached': v.looseObject({ at, socket: count, role, code: count }),
  'frame.routed': v.looseObject({
    at,
    stream: name,
    from: role,
    kind: name,
    reliable: v.boolean(),
    bytes: count,
    fate: v.picklist(['passed', 'dropped', 'answered']),
  }),
} as const;

/** Undefined for a type that is not known here; otherwise what is wrong with it, or nothing. */
export function faultOf(value: { readonly type: string }): string | undefined | 'unknown' {
  const { type } = value;
  if (!Object.hasOwn(schemas, type)) return 'unknown';
  const parsed = v.safeParse(schemas[type as keyof typeof schemas], value);
  if (parsed.success) return undefined;
  const [issue] = parsed.issues;
  const path = v.getDotPath(issue);
  return path === null ? issue.message : `${path}: ${issue.message}`;
}
