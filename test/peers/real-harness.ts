/**
 * Runs an unmodified `codex exec` once, with a scripted model and a given place to execute.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Peer } from './codex-binary.js';
import { makePeerHome } from './peer-home.js';
import { cleanEnvironment, startProgram } from './process-tree.js';
import { type CallOutput, type ScriptEntry, startScriptedModel } from './scripted-model.js';

const DEFAULT_LONGEST_RUN_MS = 60_000;

export type SandboxMode = 'danger-full-access' | 'workspace-write' | 'read-only';

export interface RealHarnessOptions {
  readonly peer: Peer;
  /** `CODEX_EXEC_SERVER_URL`; with `role=harness` in its query the harness speaks the relay, else plain JSON-RPC. */
  readonly execServerUrl: string;
  readonly script: readonly ScriptEntry[];
  /** Where the harness works; must exist here and on the executor. */
  readonly workFolder: string;
  /** Merged into the environment of the harness. */
  readonly env?: Readonly<Record<string, string>>;
  /** Default: `danger-full-access`. */
  readonly sandboxMode?: SandboxMode;
  /** After so long the harness is ended and the run fails with all it said. */
  readonly longestRunMs?: number;
  /** Called once the harness runs. */
  readonly onStart?: (pid: number) => void;
}

export interface RealHarnessRun {
  readonly pid: number;
  readonly exitCode: number | null;
  /** One for each JSON line the harness printed. */
  readonly events: readonly Record<string, unknown>[];
  readonly stdout: string;
  readonly stderr: string;
  /** What the tools answered, in the order of the script. */
  readonly outputs: readonly CallOutput[];
  /** What the harness asked the model last, as JSON text. */
  readonly latestRequest: string;
}

/** Resolves when the harness exits. Rejects when it does not, or when the script could not be played to its end. */
export async function runRealHarness(options: RealHarnessOptions): Promise<RealHarnessRun> {
  const home = await makePeerHome();
  const model = await startScriptedModel(options.script);
  try {
    await writeFile(join(home.path, 'config.toml'), harnessConfiguration(model.baseUrl, options.sandboxMode));
    const env = cleanEnvironment({
      ...options.env,
      CODEX_HOME: home.path,
      SCRIPTED_MODEL_KEY: 'unused',
      CODEX_EXEC_SERVER_URL: options.execServerUrl,
    });
    const args = ['exec', '--skip-git-repo-check', '--json', '-C', options.workFolder, 'Follow the script.'];
    const harness = await startProgram(options.peer.program, args, { cwd: options.workFolder, env });
    options.onStart?.(harness.pid);
    const limit = options.longestRunMs ?? DEFAULT_LONGEST_RUN_MS;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(resolve, limit, 'late');
    });
    const ended = await Promise.race([harness.ended, late]);
    clearTimeout(timer);
    if (ended === 'late') await harness.stop();
    const { stdout, stderr } = harness.output;
    const story = () => `\nstdout:\n${stdout}\nstderr:\n${stderr}\noutputs: ${JSON.stringify(model.outputs, null, 1)}`;
    if (ended === 'late') throw new Error(`codex ${options.peer.version} did not end within ${limit} ms${story()}`);
    if (model.failures.length > 0) throw new Error(`the script failed: ${model.failures.join('; ')}${story()}`);
    if (!model.finished) throw new Error(`codex ${options.peer.version} exited before the script's end${story()}`);
    const events = stdout.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line)] : []));
    return {
      pid: harness.pid,
      exitCode: ended.exitCode,
      events,
      stdout,
      stderr,
      outputs: model.outputs,
      latestRequest: model.latestRequest,
    };
  } finally {
    await model.close();
    await home.remove();
  }
}

/** Plugins and apps are off because harnesses fetch both from the internet at every start. */
export function harnessConfiguration(modelUrl: string, sandboxMode: SandboxMode = 'danger-full-access'): string {
  return `
model = "gpt-5.5"
model_provider = "scripted"
approval_policy = "never"
sandbox_mode = "${sandboxMode}"
check_for_update_on_startup = false
[analytics]
enabled = false
[features]
unified_exec = true
plugins = false
apps = false
enable_request_compression = false
[model_providers.scripted]
name = "scripted"
base_url = "${modelUrl}"
wire_api = "responses"
env_key = "SCRIPTED_MODEL_KEY"
request_max_retries = 0
stream_max_retries = 0
supports_websockets = false
`;
}
