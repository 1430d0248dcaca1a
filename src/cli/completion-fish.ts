/**
 * Completion for fish.
 */
import type { CompletedCommand, CompletedOption, CompletedValue } from './completed-command.js';

export function fishCompletion(commands: readonly CompletedCommand[]): string {
  return `# fish completion for signalbox: signalbox completion fish > ~/.config/fish/completions/signalbox.fish
complete -c signalbox -f
${commands.flatMap(linesOf).join('\n')}
`;
}

function linesOf({ path, options, commands, argument }: CompletedCommand): readonly string[] {
  const below = commands.map(({ name }) => name);
  const isHere = quoted(conditionOf(path, below));
  const complete = `complete -c signalbox -n ${isHere}`;
  return [
    ...commands.map(({ name, description }) => `${complete} -a ${quoted(name)} -d ${quoted(description)}`),
    ...options.map((option) => `${complete} ${optionOf(option)}`),
    ...(argument?.kind === 'choice' ? [`${complete} -a ${quoted(argument.choices.join(' '))}`] : []),
    ...(argument?.kind === 'file' ? [`${complete} -F`] : []),
  ];
}

function conditionOf(path: readonly string[], below: readonly string[]): string {
  if (path.length === 0) return '__fish_use_subcommand';
  const seen = path.map((name) => `__fish_seen_subcommand_from ${name}`);
  // Which of the words below it was given is a matter of the command that it names.
  const notBelow = below.length === 0 ? [] : [`not __fish_seen_subcommand_from ${below.join(' ')}`];
  return [...seen, ...notBelow].join('; and ');
}

function optionOf({ flags, description, value }: CompletedOption): string {
  const names = flags.map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`));
  return [...names, ...valueFlags(value), '-d', quoted(description)].join(' ');
}

function valueFlags(value: CompletedValue | undefined): readonly string[] {
  if (value === undefined) return [];
  if (value.kind === 'choice') return ['-x', '-a', quoted(value.choices.join(' '))];
  return [value.kind === 'file' ? '-rF' : '-x'];
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
