#!/usr/bin/env node
/**
 * The command `signalbox`: names its subcommands and turns every error into one line and an exit code.
 */
import { Command, CommanderError } from 'commander';
import { packageVersion } from '../executor/package-version.js';
import { CliError } from './cli-error.js';
import { registerExecCommand } from './exec.command.js';
import { registerExecutorCommand } from './executor.command.js';
import { registerRendezvousCommand } from './rendezvous.command.js';
import { registerTokenCommand } from './token.command.js';
import { registerUpCommand } from './up.command.js';

const USAGE_EXIT_CODE = 2;

const program = new Command('signalbox')
  .description('remote execution over one outbound WebSocket: run commands where the machine is, from anywhere')
  .version(packageVersion())
  .enablePositionalOptions()
  .showHelpAfterError('(signalbox --help tells more)')
  .exitOverride();

registerUpCommand(program);
registerExecCommand(program);
registerExecutorCommand(program);
registerRendezvousCommand(program);
registerTokenCommand(program);
// Subcommands were made before the program's settings could reach them.
for (const command of program.commands) command.copyInheritedSettings(program);

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
