/** What a data directory holds beside world and registry. Whoever writes it replaces files as wholes, or adds lines. */

/** Each file or folder in one of these is an entry. */
export const BESIDE = [
  'sessions',
  'tuner/jobs',
  'tuner/wounds',
  'tuner/measured',
  'tuner/films',
  'nursery/jobs',
  'nursery/kept',
] as const;

/** An entry by itself. */
export const ATTEMPTS = 'tuner/attempts.json';

export type Beside = (typeof BESIDE)[number] | typeof ATTEMPTS;

/** What a data directory calls its folders, and the one file of which a world could have the name. */
export const TAKEN_NAMES: ReadonlySet<string> = new Set([
  ...BESIDE.map((path) => path.split('/')[0]),
  'mature',
  'guest-key',
]);

/** What a backup takes: what people did and made, and what was learned from it. The rest is made anew. */
export const BACKED_UP: readonly Beside[] = ['sessions', 'tuner/wounds', ATTEMPTS, 'nursery/kept'];

/** Names of what is being written, or has just been made. */
export const UNFINISHED = /^[_.]|\.(?:tmp|part)$/;
