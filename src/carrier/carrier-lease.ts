/**
 * What happens to a socket reaches its owner only as long as it is owned: one that was let go of may still hand over
 * what it had read, and that belongs to a life that is over.
 */
import type { CarrierListener } from './carrier.js';

export interface CarrierLease {
  readonly listener: CarrierListener;
  /** Nothing passes any more. */
  end(): void;
}

export function leased(owner: CarrierListener): CarrierLease {
  let isOwned = true;
  return {
    listener: {
      opened: () => isOwned && owner.opened(),
      message: (message) => isOwned && owner.message(message),
      text: () => isOwned && owner.text(),
      ponged: () => isOwned && owner.ponged(),
      refused: (status, message) => isOwned && owner.refused(status, message),
      closed: (code, reason) => isOwned && owner.closed(code, reason),
    },
    end: () => {
      isOwned = false;
    },
  };
}
