/**
 * What is copied whereto, as a person writes it: as with scp, what has a colon before its first slash is elsewhere.
 */
export type Operand =
  /** `-` */
  | { readonly kind: 'pipe' }
  | { readonly kind: 'local'; readonly path: string }
  /** `:PATH`, or `ENV:PATH`. */
  | { readonly kind: 'remote'; readonly environment: string | undefined; readonly path: string };

export function parseOperand(text: string): Operand {
  if (text === '-') return { kind: 'pipe' };
  const [, environment, path] = /^([^/:]*):(.*)$/s.exec(text) ?? [];
  if (environment === undefined || path === undefined) return { kind: 'local', path: text };
  return { kind: 'remote', environment: environment === '' ? undefined : environment, path };
}

/** The name a copy gets in a folder; empty where it is the folder's content that is meant. */
export function nameOf(path: string): string {
  const name = /([^/]*)\/*$/.exec(path)?.[1] ?? '';
  return name === '.' || name === '..' || name === '~' ? '' : name;
}
