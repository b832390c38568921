/** Numbers, names and times as a person reads them. What is not a finite number is a dash. */
import { titled } from '../shared/room.ts';

const DASH = '–';

/** Bytes per second, in the unit that needs at most three digits. */
export function formatRate(bytesPerSecond: number): string {
  if (!Number.isFinite(bytesPerSecond)) return DASH;
  if (bytesPerSecond < 1_000) return `${Math.round(bytesPerSecond)} B/s`;
  if (bytesPerSecond < 10_000) return `${(bytesPerSecond / 1_000).toFixed(1)} kB/s`;
  if (bytesPerSecond < 999_500) return `${Math.round(bytesPerSecond / 1_000)} kB/s`;
  return `${(bytesPerSecond / 1_000_000).toFixed(1)} MB/s`;
}

export const formatCount = (value: number): string =>
  Number.isFinite(value) ? Math.round(value).toLocaleString('en-GB') : DASH;

/** Steps per second, with a decimal below 10. */
export const formatSteps = (value: number): string =>
  Number.isFinite(value) ? (value < 10 ? value.toFixed(1) : Math.round(value).toString()) : DASH;

export const formatLatency = (ms: number): string =>
  Number.isFinite(ms) ? `${Math.max(1, Math.round(ms))} ms` : DASH;

const UNITS: readonly (readonly [name: string, seconds: number])[] = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
  ['s', 1],
];

/** The largest unit alone: "48 s", "3 min", "4 d". */
export function formatRoughAge(seconds: number): string {
  if (!Number.isFinite(seconds) || seconds < 0) return DASH;
  const [name, size] = UNITS.find(([, size]) => seconds >= size) ?? UNITS[UNITS.length - 1];
  return `${Math.floor(seconds / size)} ${name}`;
}

/** The two largest units: "48 s", "3 min 20 s", "2 h 5 min", "4 d 3 h". */
export function formatAge(seconds: number): string {
  if (!Number.isFinite(seconds) || seconds < 0) return DASH;
  const whole = Math.floor(seconds);
  const first = UNITS.findIndex(([, size]) => whole >= size);
  if (first < 0) return '0 s';
  const [name, size] = UNITS[first];
  const rest = UNITS[first + 1];
  const more = rest === undefined ? 0 : Math.floor((whole % size) / rest[1]);
  return `${Math.floor(whole / size)} ${name}${more > 0 ? ` ${more} ${rest[0]}` : ''}`;
}

/** A share of 0..1 in whole percent, without the sign. */
export const formatHealth = (health: number): string =>
  Number.isFinite(health) ? `${Math.floor(Math.min(1, Math.max(0, health)) * 100 + 0.5)}` : DASH;

/** "60 %" */
export const formatPercent = (share: number): string =>
  Number.isFinite(share) ? `${Math.round(share * 100)} %` : DASH;

/** "25 Nov, 02:10" */
export const formatMoment = (date: Date): string =>
  date.toLocaleString('en-GB', { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' });

/** The time of day if it was today, else the date. @param iso - as `Date` reads it */
export function formatWhen(iso: string): string {
  const date = new Date(iso);
  const isToday = date.toDateString() === new Date().toDateString();
  return isToday ? date.toLocaleTimeString('en-GB') : date.toLocaleDateString('en-GB');
}

/** A species as people call it. */
export const speciesTitle = ({ name, title }: { readonly name: string; readonly title?: string }): string =>
  title ?? titled(name);

/** "pikachu" → "Pikachu", "mr-mime" → "Mr Mime" */
export { titled as formatSpecies } from '../shared/room.ts';
