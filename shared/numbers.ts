/** Arithmetic that server and client, and several folders, need in the same form. */

/** Whether a value, of any type, is a whole number from `least` to `most`. */
export const isWhole = (value: unknown, least: number, most: number): value is number =>
  Number.isInteger(value) && (value as number) >= least && (value as number) <= most;

/** Steps from one step number to a later one. Step numbers are uint32 and wrap. */
export const stepsBetween = (from: number, to: number): number => (to - from) >>> 0;
