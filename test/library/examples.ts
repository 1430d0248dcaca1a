/**
 * The examples of a page of documentation: programs in fences named `ts`, what they print in a `text` fence behind them,
 * and a `ts setup` fence that goes before each of them.
 */
export interface Example {
  readonly title: string;
  readonly program: string;
  /** Undefined where the page does not say. */
  readonly prints: string | undefined;
}

const FENCE = /^```(\S+)(?: (\S+))?\n([\s\S]*?)^```$/gm;

export function examplesIn(page: string): readonly Example[] {
  const examples: Example[] = [];
  let setup = '';
  for (const match of page.matchAll(FENCE)) {
    const [, language, mark, text = ''] = match;
    const last = examples.at(-1);
    if (language === 'ts' && mark === 'setup') setup = text;
    else if (language === 'ts')
      examples.push({ title: titleBefore(page, match.index), program: text, prints: undefined });
    else if (language === 'text' && last !== undefined) examples.splice(-1, 1, { ...last, prints: text });
  }
  return examples.map((example) => ({ ...example, program: withSetup(example.program, setup) }));
}

function titleBefore(page: string, index: number): string {
  return [...page.slice(0, index).matchAll(/^#+ (.+)$/gm)].at(-1)?.[1] ?? 'the page';
}

/** Behind the imports, which come first. */
function withSetup(program: string, setup: string): string {
  const imports = /^(?:import [^;]*;\n)*/.exec(program)?.[0] ?? '';
  return `${imports}${setup}${program.slice(imports.length)}`;
}
