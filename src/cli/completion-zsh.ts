/**
 * Completion for zsh, by its own `_arguments` and `_describe`.
 */
import type { CompletedCommand, CompletedOption, CompletedValue } from './completed-command.js';

export function zshCompletion(commands: readonly CompletedCommand[]): string {
  return `#compdef signalbox
# zsh completion for signalbox: signalbox completion zsh > FOLDER_OF_FPATH/_signalbox
${commands.map(functionOf).join('\n')}
if [[ \${funcstack[1]} == _signalbox ]]; then _signalbox "$@"; else compdef _signalbox signalbox; fi
`;
}

function functionOf({ path, options, commands, argument }: CompletedCommand): string {
  const name = functionName(path);
  const specs = options.flatMap(optionSpecs);
  if (commands.length === 0) {
    return `${name}() {
  _arguments -s -S ${[...specs, quoted(`*:${argument === undefined ? '' : 'argument'}:${actionOf(argument)}`)].join(' ')}
}`;
  }
  const described = commands.map(({ name: word, description }) => quoted(`${word}:${description}`)).join(' ');
  const branches = commands.map(({ name: word }) => `    ${word}) ${functionName([...path, word])} ;;`).join('\n');
  return `${name}() {
  local line state
  local -a commands=(${described})
  _arguments -C ${[...specs, quoted('1: :->command'), quoted('*::arg:->args')].join(' ')}
  case $state in
    command) _describe command commands ;;
    args) case $line[1] in
${branches}
    esac ;;
  esac
}`;
}

function functionName(path: readonly string[]): string {
  return ['_signalbox', ...path.map((name) => name.replaceAll('-', '_'))].join('_');
}

function optionSpecs({ flags, description, value }: CompletedOption): readonly string[] {
  const text = description.replaceAll(/[[\]:]/g, (character) => `\\${character}`);
  const wanted = value === undefined ? '' : `:value:${actionOf(value)}`;
  return flags.map((flag) => quoted(`${flag}[${text}]${wanted}`));
}

function actionOf(value: CompletedValue | undefined): string {
  if (value === undefined) return '';
  if (value.kind === 'choice') return `(${value.choices.join(' ')})`;
  return value.kind === 'file' ? '_files' : ' ';
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
