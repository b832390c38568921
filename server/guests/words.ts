/** What guests read about mutes and bans. */
import type { Sanction } from '../../shared/adminPeople.ts';

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** "45 s", "9 min", "3 h", "30 days": rounded up, so that it is never over later than told. */
export function durationOf(seconds: number): string {
  if (seconds <= 90) return `${Math.max(1, Math.ceil(seconds))} s`;
  if (seconds <= 90 * MINUTE) return `${Math.ceil(seconds / MINUTE)} min`;
  if (seconds <= 2 * DAY) return `${Math.ceil(seconds / HOUR)} h`;
  return `${Math.ceil(seconds / DAY)} days`;
}

const forHowLong = (seconds: number): string =>
  seconds === Number.POSITIVE_INFINITY ? '' : ` for ${durationOf(seconds)}`;

/** Whom a sanction concerns, to somebody whom it concerns. */
function whom({ guest, address }: Sanction, reader: string): 'you' | 'address' | 'newcomers' {
  if (guest === reader) return 'you';
  return guest === '' && address !== '' ? 'address' : 'newcomers';
}

/** @param secondsLeft - Infinity: until it is lifted */
export function banWords(ban: Sanction, reader: string, secondsLeft: number): string {
  const end = forHowLong(secondsLeft);
  switch (whom(ban, reader)) {
    case 'you':
      return `an admin has banned you from this world${end}`;
    case 'address':
      return `an admin has banned your address from this world${end}`;
    case 'newcomers':
      return `an admin has banned new guests at your address from this world${end}`;
  }
}

/** @param secondsLeft - Infinity: until it is lifted */
export function muteWords(mute: Sanction, reader: string, secondsLeft: number): string {
  const end = forHowLong(secondsLeft);
  switch (whom(mute, reader)) {
    case 'you':
      return `An admin has taken your tools away${end}.`;
    case 'address':
      return `An admin has taken away the tools of everyone at your address${end}.`;
    case 'newcomers':
      return `An admin has taken away the tools of new guests at your address${end}.`;
  }
}
