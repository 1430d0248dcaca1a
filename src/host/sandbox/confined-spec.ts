/**
 * Makes of a child's specification that of the same child in a sandbox: bubblewrap in place of the program. Whoever
 * forks it, with pipes or on a terminal, needs to know nothing.
 *
 * Signals: a group's signals reach bubblewrap too, which must outlive its program to report its end. So it ignores
 * them, and `env` undoes that for the program. Where `env` cannot, such a signal ends the whole sandbox, as in the
 * releases. No session of its own is asked for: the group is killed as one, and the terminal, if any, is the child's.
 */
import type { ChildSpec } from '../host-child.js';
import { findProgram } from '../program-lookup.js';
import { type Bubblewrap, DEFAULT_SIGNALS, ISOLATION, PASSED_SIGNALS } from './bubblewrap.js';
import { SandboxPolicyError } from './sandbox-policy.js';

const FILTER_DESCRIPTOR = '9';
/** argv[0] by way of a shell: bubblewrap sets it only in later versions. */
const NAMED = 'unset SHLVL PWD OLDPWD; exec -a "$0" "$@"';

export interface Confinement {
  readonly bubblewrap: Bubblewrap;
  /** From the mount plan. */
  readonly mounts: readonly string[];
  readonly network: boolean;
  /** Programs of the system can be run in it. */
  readonly hasPlatform: boolean;
  /** A file with a seccomp program, readable by whoever forks. */
  readonly filter?: string;
}

export function confinedSpec(spec: ChildSpec, confinement: Confinement): ChildSpec {
  const { bubblewrap, mounts, network, filter } = confinement;
  const sandbox = [
    bubblewrap.path,
    ...mounts,
    ...ISOLATION,
    ...(network ? [] : ['--unshare-net']),
    ...(filter === undefined ? [] : ['--seccomp', FILTER_DESCRIPTOR]),
    '--',
  ];
  const redirect = filter === undefined ? '' : ` ${FILTER_DESCRIPTOR}<"$0"`;
  const env = confinement.hasPlatform ? bubblewrap.env : undefined;
  // A name with `=` would be an assignment to env.
  const passesSignals = env !== undefined && !spec.program.includes('=');
  const ignore = passesSignals ? `trap "" ${PASSED_SIGNALS.join(' ')}; ` : '';
  const command = [...(passesSignals ? [env, DEFAULT_SIGNALS] : []), ...named(spec, confinement)];
  const script = `${ignore}exec "$@"${redirect}`;
  const { arg0: _, ...rest } = spec;
  return { ...rest, program: '/bin/sh', args: ['-c', script, filter ?? 'sh', ...sandbox, ...command] };
}

function named({ program, args, arg0 }: ChildSpec, { hasPlatform }: Confinement): string[] {
  if (arg0 === undefined) return [program, ...args];
  if (!hasPlatform) throw new SandboxPolicyError('arg0 needs a shell, which the sandbox does not show');
  const bash = findProgram('bash', '/', '/bin:/usr/bin:/usr/local/bin');
  return [bash, '--noprofile', '--norc', '-c', NAMED, arg0, program, ...args];
}
