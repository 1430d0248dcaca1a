/**
 * Completion for bash 3.2 and newer, without the bash-completion package.
 */
import type { CompletedCommand, CompletedValue } from './completed-command.js';

export function bashCompletion(commands: readonly CompletedCommand[]): string {
  const groups = commands.filter(({ path, commands: below }) => path.length > 0 && below.length > 0);
  const groupPattern = groups.map(({ path }) => path.join(' ')).join('|');
  return `# bash completion for signalbox: eval "$(signalbox completion bash)"
_signalbox() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} command='' words='' i
  COMPREPLY=()
  # After -- comes a command of the other machine.
  for ((i = 1; i < COMP_CWORD; i++)); do
    [[ \${COMP_WORDS[i]} == -- ]] && { compopt -o default 2>/dev/null; return; }
  done
  ((COMP_CWORD > 1)) && command=\${COMP_WORDS[1]}
  case $command in
    ${groupPattern || '--'}) ((COMP_CWORD > 2)) && command+=" \${COMP_WORDS[2]}" ;;
  esac
  case "$command $prev" in
${commands.flatMap(valueCases).join('\n')}
  esac
  case $command in
${commands.map(wordCase).join('\n')}
    *) compopt -o default 2>/dev/null; return ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -F _signalbox signalbox
`;
}

/** What the shell does by itself. */
const FILES = 'compopt -o default 2>/dev/null';

function valueCases({ path, options }: CompletedCommand): readonly string[] {
  return options.flatMap(({ flags, value }) => {
    if (value === undefined) return [];
    const pattern = flags.map((flag) => quoted(`${path.join(' ')} ${flag}`)).join('|');
    return [`    ${pattern}) ${actionOf(value)}; return ;;`];
  });
}

function wordCase({ path, options, commands, argument }: CompletedCommand): string {
  const choices = argument?.kind === 'choice' ? argument.choices : [];
  const words = [...commands.map(({ name }) => name), ...choices, ...options.flatMap(({ flags }) => flags)];
  const files = argument?.kind === 'file' ? `; [[ $cur == -* ]] || ${FILES}` : '';
  return `    ${quoted(path.join(' '))}) words=${quoted(words.join(' '))}${files} ;;`;
}

function actionOf(value: CompletedValue): string {
  if (value.kind === 'choice') return `COMPREPLY=($(compgen -W ${quoted(value.choices.join(' '))} -- "$cur"))`;
  return value.kind === 'file' ? FILES : ':';
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
