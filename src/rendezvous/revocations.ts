/**
 * Looks now and then whether the tokens of those who are connected still count, and has whoever's does not shown out.
 * New connections are judged when they come (access.ts); this is for the ones that came in before.
 */
import type { Logger } from '../observe/log.js';
import type { TokenStore } from './token.js';

interface RevocationOptions {
  readonly tokens: TokenStore;
  readonly router: { readonly tokenIds: ReadonlySet<string>; expel(tokenId: string): void };
  /** Milliseconds from the end of one look to the next. */
  readonly intervalMs: number;
  readonly log: Logger;
}

export function watchRevocations({ tokens, router, intervalMs, log }: RevocationOptions): { stop(): void } {
  let stopped = false;
  let timer: NodeJS.Timeout;
  const look = async (): Promise<void> => {
    for (const tokenId of router.tokenIds) {
      if ((await tokens.find(tokenId)) === undefined && !stopped) router.expel(tokenId);
    }
  };
  const arm = () => {
    timer = setTimeout(() => {
      look()
        // Who cannot be judged stays.
        .catch((error: unknown) => log.error({ err: error }, 'tokens could not be looked up'))
        .finally(() => {
          if (!stopped) arm();
        });
    }, intervalMs).unref();
  };
  arm();
  return {
    stop: () => {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
