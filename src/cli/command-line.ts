/**
 * The command line: names the subcommands, loads the one that is asked for, and turns every error into one line and an
 * exit code.
 */
import { Command, CommanderError } from 'commander';
import { packageVersion } from '../executor/package-version.js';
import { CliError } from './cli-error.js';

const USAGE_EXIT_CODE = 2;

type Register = (program: Command) => void;

/** A daemon has no use for the code of the other commands. */
const loaders: Readonly<Record<string, () => Promise<Register>>> = {
  up: async () => (await import('./up.command.js')).registerUpCommand,
  connect: async () => (await import('./connect.command.js')).registerConnectCommand,
  cp: async () => (await import('./cp.command.js')).registerCpCommand,
  exec: async () => (await import('./exec.command.js')).registerExecCommand,
  ps: async () => (await import('./ps.command.js')).registerPsCommand,
  attach: async () => (await import('./attach.command.js')).registerAttachCommand,
  kill: async () => (await import('./kill.command.js')).registerKillCommand,
  status: async () => (await import('./status.command.js')).registerStatusCommand,
  env: async () => (await import('./env.command.js')).registerEnvCommand,
  doctor: async () => (await import('./doctor.command.js')).registerDoctorCommand,
  executor: async () => (await import('./executor.command.js')).registerExecutorCommand,
  forward: async () => (await import('./forward.command.js')).registerForwardCommand,
  rendezvous: async () => (await import('./rendezvous.command.js')).registerRendezvousCommand,
  trace: async () => (await import('./trace.command.js')).registerTraceCommand,
  token: async () => (await import('./token.command.js')).registerTokenCommand,
  completion: async () => {
    const { registerCompletionCommand } = await import('./completion.command.js');
    return (program) => registerCompletionCommand(program, wholeProgram);
  },
};

/** With every command there is. */
function wholeProgram(): Promise<Command> {
  return programOf(Object.values(loaders));
}

async function programOf(chosen: readonly (() => Promise<Register>)[]): Promise<Command> {
  const program = new Command('signalbox')
    .description('remote execution over one outbound WebSocket: run commands where the machine is, from anywhere')
    .version(packageVersion())
    .enablePositionalOptions()
    .showHelpAfterError('(signalbox --help tells more)')
    .exitOverride();
  for (const load of chosen) (await load())(program);
  handDown(program);
  return program;
}

/** Subcommands were made before the program's settings could reach them. */
function handDown(parent: Command): void {
  for (const command of parent.commands) {
    command.copyInheritedSettings(parent);
    handDown(command as Command);
  }
}

/** What has to be known to act upon the first word of a command line; for help, everything. */
function neededFor(name: string): readonly (() => Promise<Register>)[] {
  if (name === '--version' || name === '-V') return [];
  const load = Object.hasOwn(loaders, name) ? loaders[name] : undefined;
  return load === undefined ? Object.values(loaders) : [load];
}

export async function runCommandLine(): Promise<void> {
  const [, , name = ''] = process.argv;
  const program = await programOf(neededFor(name));

  try {
    await program.parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : USAGE_EXIT_CODE;
    } else if (error instanceof CliError) {
      process.stderr.write(`signalbox: ${error.message}\n`);
      process.exit(error.exitCode);
    } else {
      throw error;
    }
  }
}
