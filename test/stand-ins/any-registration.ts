/**
 * For routers that are tested without a registry: they ask no more of a registration than that there is one.
 */
import type { Registration } from '../../src/rendezvous/registrations.js';

export const anyRegistration: Registration = {
  id: 'registration',
  environmentId: 'environment',
  tokenId: 'token',
  expires: 0,
  executorKey: undefined,
};
