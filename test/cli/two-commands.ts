/**
 * A program with the rendezvous and token commands only, so that they can be tested as processes of their own.
 */
import { Command } from 'commander';
import { CliError } from '../../src/cli/cli-error.js';
import { registerRendezvousCommand } from '../../src/cli/rendezvous.command.js';
import { registerTokenCommand } from '../../src/cli/token.command.js';

const program = new Command('signalbox');
registerRendezvousCommand(program);
registerTokenCommand(program);

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CliError)) throw error;
  process.stderr.write(`signalbox: ${error.message}\n`);
  process.exitCode = error.exitCode;
}
