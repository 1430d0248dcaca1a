/**
 * The environment of a child: the caller's own, or this program's filtered by a policy (jsonrpc.md §4.1).
 */

export type Environment = Readonly<Record<string, string>>;

export interface EnvPolicy {
  readonly inherit: 'core' | 'all' | 'none';
  /** Keep names that look like secrets. */
  readonly ignoreDefaultExcludes: boolean;
  /** Patterns of `*` and `?`, upper and lower case alike. */
  readonly exclude: readonly string[];
  readonly set: Environment;
  /** When not empty, only matching names stay. */
  readonly includeOnly: readonly string[];
}

const CORE = new Set(['HOME', 'LANG', 'LC_CTYPE', 'LOGNAME', 'PATH', 'SHELL', 'USER', 'TMPDIR', 'TEMP', 'TMP']);
const DEFAULT_EXCLUDES = ['*KEY*', '*SECRET*', '*TOKEN*'];
/** Tells the daemon something; never for children. */
const INTERNAL = new Set(['CODEX_EXEC_SERVER_EXIT_ON_STDIN_CLOSE', 'SIGNALBOX_TOKEN']);

/** `own` is this program's environment; `overlay` is what the request adds, or all there is without a policy. */
export function childEnvironment(own: Environment, overlay: Environment, policy: EnvPolicy | undefined): Environment {
  const result = new Map<string, string>();
  if (policy !== undefined) {
    for (const [name, value] of Object.entries(own)) {
      if (isInherited(name, policy)) result.set(name, value);
    }
    for (const [name, value] of Object.entries(policy.set)) result.set(name, value);
    if (policy.includeOnly.length > 0) {
      for (const name of [...result.keys()]) if (!matchesAny(name, policy.includeOnly)) result.delete(name);
    }
  }
  for (const [name, value] of Object.entries(overlay)) result.set(name, value);
  for (const name of INTERNAL) result.delete(name);
  return Object.fromEntries(result);
}

function isInherited(name: string, policy: EnvPolicy): boolean {
  if (policy.inherit === 'none' || (policy.inherit === 'core' && !CORE.has(name))) return false;
  if (!policy.ignoreDefaultExcludes && matchesAny(name, DEFAULT_EXCLUDES)) return false;
  return !matchesAny(name, policy.exclude);
}

function matchesAny(name: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => matches(name.toLowerCase(), pattern.toLowerCase()));
}

/** Wildcards without a regular expression: a pattern comes from a client and must not cost exponential time. */
function matches(name: string, pattern: string): boolean {
  let at = 0;
  let position = 0;
  let star = -1;
  let resume = 0;
  while (at < name.length) {
    const symbol = pattern[position];
    if (symbol === '*') {
      star = position++;
      resume = at;
    } else if (symbol === '?' || symbol === name[at]) {
      at++;
      position++;
    } else if (star >= 0) {
      position = star + 1;
      at = ++resume;
    } else return false;
  }
  while (pattern[position] === '*') position++;
  return position === pattern.length;
}
