/**
 * `signalbox completion bash|zsh|fish`: a script for a shell, made from the commands as they are defined.
 */
import { Argument, type Command } from 'commander';
import { type CompletedCommand, completedCommands } from './completed-command.js';
import { bashCompletion } from './completion-bash.js';
import { fishCompletion } from './completion-fish.js';
import { zshCompletion } from './completion-zsh.js';
import { print } from './print.js';

const SHELLS: Readonly<Record<string, (commands: readonly CompletedCommand[]) => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

/** `whole` makes the program with every command there is. */
export function registerCompletionCommand(program: Command, whole: () => Promise<Command>): void {
  program
    .command('completion')
    .description('print a script that has your shell complete commands and options')
    .addArgument(new Argument('<shell>', 'which').choices(Object.keys(SHELLS)))
    .addHelpText(
      'after',
      `
  eval "$(signalbox completion bash)"                                  # in ~/.bashrc
  signalbox completion zsh > ~/.zsh/completions/_signalbox             # a folder of your fpath
  signalbox completion fish > ~/.config/fish/completions/signalbox.fish`,
    )
    .action(async (shell: string) => {
      print(SHELLS[shell]?.(completedCommands(await whole())) ?? '');
    });
}
