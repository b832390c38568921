import type { Doer } from '../../server/world/messages.ts';

/** Somebody of that name, at an address of their own. */
export const doer = (name: string): Doer => ({ guest: `guest-${name}`, address: `of ${name}`, name });
