/**
 * What a shell needs to know of the commands to complete them, read off their definitions.
 */
import type { Command, Option } from 'commander';

/** What an option or argument wants. */
export type CompletedValue =
  | { readonly kind: 'choice'; readonly choices: readonly string[] }
  | { readonly kind: 'file' | 'other' };

export interface CompletedOption {
  /** `--tty`, and `-t` before it where there is one. */
  readonly flags: readonly string[];
  readonly description: string;
  /** Undefined for one that takes none. */
  readonly value: CompletedValue | undefined;
}

export interface CompletedCommand {
  /** Its names below `signalbox`; empty for `signalbox` itself. */
  readonly path: readonly string[];
  readonly description: string;
  readonly options: readonly CompletedOption[];
  readonly commands: readonly { readonly name: string; readonly description: string }[];
  /** Of its arguments, the first one says what they are. */
  readonly argument: CompletedValue | undefined;
}

/** `program` and everything below it. */
export function completedCommands(program: Command, path: readonly string[] = []): readonly CompletedCommand[] {
  const visible = program.createHelp();
  const commands = visible.visibleCommands(program).filter((command) => command.name() !== 'help');
  const [argument] = program.registeredArguments;
  const own: CompletedCommand = {
    path,
    description: program.description(),
    options: visible.visibleOptions(program).map(toOption),
    commands: commands.map((command) => ({ name: command.name(), description: command.description() })),
    argument: argument === undefined ? undefined : toValue(argument.name(), argument.argChoices),
  };
  return [own, ...commands.flatMap((command) => completedCommands(command, [...path, command.name()]))];
}

function toOption(option: Option): CompletedOption {
  const takesValue = option.required || option.optional;
  const [, placeholder = ''] = /[<[]([^>\]]+)/.exec(option.flags) ?? [];
  return {
    flags: [option.short, option.long].filter((flag) => flag !== undefined && flag !== null),
    description: option.description,
    value: takesValue ? toValue(placeholder, option.argChoices) : undefined,
  };
}

/** Definitions name a file `<file>`, so what they are called tells it; a path of the other machine is often one of here too. */
function toValue(name: string, choices: readonly string[] | undefined): CompletedValue {
  if (choices !== undefined) return { kind: 'choice', choices };
  return { kind: /^(file|folder|source|target|paths?)$/.test(name) ? 'file' : 'other' };
}
