/** The lobby in words. */
import type { LobbyWorld, WorldState } from '../../shared/lobby.ts';
import { formatCount, formatHealth } from '../format.ts';

/** Above this, nobody sees that anything is missing. */
const WHOLE = 0.97;
const HEALING = 0.8;

/** What stands on the picture; empty: there is nothing to say. */
export const STATE_WORDS: Readonly<Record<WorldState, string>> = {
  awake: '',
  paused: 'Paused',
  troubled: 'Only to look at: it cannot be saved at the moment',
  starting: 'Starting…',
  resting: 'Resting: it cannot be reached',
};

export function peopleText(players: number): string {
  if (players === 0) return 'Nobody here';
  return players === 1 ? '1 person' : `${formatCount(players)} people`;
}

/** "48 bodies" */
export function bodiesText(bodies: number | null): string {
  if (bodies === null) return '';
  return bodies === 1 ? '1 body' : `${formatCount(bodies)} bodies`;
}

/** Whether what is told of the world is of now. */
export const isThere = ({ state }: LobbyWorld): boolean => state !== 'resting' && state !== 'starting';

/** How the bodies fare. Empty: it is not known. */
export function healthText(world: LobbyWorld): string {
  const { bodies, growing, health } = world;
  if (bodies === null || !isThere(world)) return '';
  if (bodies === 0) return 'Nothing grows here yet';
  if (growing > 0) return `${formatCount(growing)} growing back`;
  if (health === null) return '';
  if (health >= WHOLE) return 'All whole';
  return health >= HEALING ? 'Healing' : 'Badly hurt';
}

/** A card, as somebody hears it who does not see it. */
export function cardText(world: LobbyWorld): string {
  const { title, state, players, bodies, health } = world;
  const facts = [STATE_WORDS[state]];
  if (isThere(world)) {
    facts.push(peopleText(players), bodiesText(bodies));
    facts.push(health === null ? '' : `health ${formatHealth(health)} %`, healthText(world));
  }
  return [title, ...facts].filter((fact) => fact !== '').join(', ');
}

/** What has changed for everybody who looks; empty: nothing of note. Numbers change all the time, and are not told. */
export function newsText(before: readonly LobbyWorld[], after: readonly LobbyWorld[]): string {
  const known = new Map(before.map((world) => [world.name, world]));
  const news: string[] = [];
  for (const { name, title, state } of after) {
    const was = known.get(name);
    known.delete(name);
    if (was === undefined) news.push(`${title} has opened`);
    else if (was.state !== state) news.push(`${title} ${STATE_CHANGES[state]}`);
  }
  for (const { title } of known.values()) news.push(`${title} has closed`);
  return news.length === 0 ? '' : `${news.join('. ')}.`;
}

const STATE_CHANGES: Readonly<Record<WorldState, string>> = {
  awake: 'is awake',
  paused: 'is paused',
  troubled: 'cannot be saved',
  starting: 'is starting',
  resting: 'cannot be reached',
};

/** Worlds with people first; those that cannot be reached last. */
export function inOrder(worlds: readonly LobbyWorld[]): LobbyWorld[] {
  const isGone = (world: LobbyWorld): number => Number(!isThere(world));
  return [...worlds].sort(
    (a, b) => isGone(a) - isGone(b) || b.players - a.players || a.title.localeCompare(b.title),
  );
}

/** The order of before, with those that are new at the end, so that nothing moves under a finger. */
export function keepOrder(names: readonly string[], worlds: readonly LobbyWorld[]): LobbyWorld[] {
  const place = new Map(names.map((name, i) => [name, i]));
  return inOrder(worlds).sort(
    (a, b) => (place.get(a.name) ?? names.length) - (place.get(b.name) ?? names.length),
  );
}

/** "3 worlds, 12 people" */
export function summaryText(worlds: readonly LobbyWorld[]): string {
  if (worlds.length === 0) return 'No world is awake yet. The first one appears here.';
  const players = worlds.reduce((sum, { players }) => sum + players, 0);
  const count = worlds.length === 1 ? '1 world' : `${formatCount(worlds.length)} worlds`;
  return players === 0 ? count : `${count}, ${peopleText(players)}`;
}
