/** The lobby: the worlds of a server that has several, as they are now. */
import type { LobbyWorld } from '../../shared/lobby.ts';
import { byId, setText } from '../dom.ts';
import { icon } from '../hud/icons.ts';
import { Theme } from '../style/theme.ts';
import { askWorlds, WORLD_PATH, whereaboutsOf } from '../whereabouts.ts';
import { WorldCard } from './card.ts';
import { keepOrder, newsText, summaryText } from './words.ts';

const EVERY_MS = 4_000;

const { world: lost, lobby } = whereaboutsOf(location.href);
const list = byId('worlds');
const summary = byId('summary');
const news = byId('news');
const cards = new Map<string, WorldCard>();
let worlds: readonly LobbyWorld[] | null = null;
let isAsking = false;

const theme = new Theme();
const toggle = byId('theme');
toggle.addEventListener('click', () => theme.toggle());
theme.changed.on(showTheme);
showTheme();

// The server shows this page, too, where there is no such world.
if (WORLD_PATH.test(new URL('.', location.href).pathname)) {
  byId('lost').hidden = false;
  setText(
    byId('lost-text'),
    lost === null ? 'There is no such world here.' : `There is no world “${lost}” here.`,
  );
  byId<HTMLAnchorElement>('lost-back').href = lobby;
  document.title = 'No such world · Regrow';
}
byId<HTMLAnchorElement>('home').href = lobby;

void refresh();
setInterval(() => {
  if (!document.hidden) void refresh();
}, EVERY_MS);
for (const event of ['visibilitychange', 'pageshow', 'online'])
  window.addEventListener(event, () => {
    if (!document.hidden) void refresh();
  });

async function refresh(): Promise<void> {
  if (isAsking) return;
  isAsking = true;
  try {
    show((await askWorlds(lobby)).worlds);
  } catch {
    // What was known stays, as long as nobody knows better.
    setText(summary, 'The server does not answer. Trying again…');
  } finally {
    isAsking = false;
  }
}

function show(now: readonly LobbyWorld[]): void {
  const ordered = keepOrder([...cards.keys()], now);
  if (worlds !== null) {
    const text = newsText(worlds, now);
    if (text !== '') setText(news, text);
  }
  worlds = now;
  setText(summary, summaryText(ordered));
  for (const [name, { element }] of cards)
    if (!ordered.some((world) => world.name === name)) {
      element.remove();
      cards.delete(name);
    }
  for (const world of ordered) {
    let card = cards.get(world.name);
    if (card === undefined) {
      card = new WorldCard(world, lobby);
      cards.set(world.name, card);
      list.append(card.element);
    }
    card.show(world);
  }
  list.setAttribute('aria-busy', 'false');
}

function showTheme(): void {
  toggle.replaceChildren(icon(theme.isDark ? 'sun' : 'moon'));
  toggle.setAttribute('aria-label', theme.isDark ? 'Use the light theme' : 'Use the dark theme');
  toggle.title = theme.isDark ? 'Light theme' : 'Dark theme';
}
