/**
 * Which inspector a command attaches to: what it was told, else the environment, else that of the `signalbox up` here.
 */
import { CliError } from './cli-error.js';
import { readUpState } from './up-state.js';

export interface InspectorOptions {
  readonly env?: string;
  readonly url?: string;
}

/** With its token. Throws {@link CliError}. */
export async function inspectorAddress({ env, url }: InspectorOptions): Promise<string> {
  const given = url ?? process.env.SIGNALBOX_INSPECTOR_URL;
  if (given !== undefined) {
    if (env !== undefined) throw new CliError('--url names its program already: leave --env out', { exitCode: 2 });
    return given;
  }
  const state = await readUpState();
  if (state === undefined) {
    throw new CliError('nothing to record: start "signalbox up" here, or give --url, as executor --inspect prints it');
  }
  if (env !== undefined && env !== state.environmentId) {
    throw new CliError(
      `signalbox up serves ${state.environmentId} here, not ${env}; another program has its own --url`,
    );
  }
  if (state.inspector === undefined) {
    throw new CliError('signalbox up runs without its inspector: start it without --no-inspect, or with --trace FILE');
  }
  return state.inspector;
}
