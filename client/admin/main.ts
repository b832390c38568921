/** The admin's page: login, then the pages that the role may see, asked for again and again. Wiring only. */

import type { LiveAnswer, RuleEntry, RulesAnswer, SessionsAnswer, TunerView } from '../../shared/adminApi.ts';
import type {
  BroughtBack,
  DeedsAnswer,
  Done,
  GuestAnswer,
  LoginLeft,
  PeopleAnswer,
} from '../../shared/adminPeople.ts';
import type { AdminNurseryAnswer } from '../../shared/nursery.ts';
import { titleOf } from '../../shared/worldNames.ts';
import { byId, h, setText } from '../dom.ts';
import { formatAge, formatCount, formatHealth, formatSteps } from '../format.ts';
import { whereaboutsOf } from '../whereabouts.ts';
import { AdminsPanel } from './admins.ts';
import { ApiError, ask } from './api.ts';
import { AuditPanel } from './audit.ts';
import { GuestPanel } from './guest.ts';
import { GuestsPanel } from './guests.ts';
import { broughtBackText } from './lost.ts';
import { NurseryPanel } from './nursery.ts';
import { type PageName, Pages } from './pages.ts';
import { Spark } from './plots.ts';
import { ReportsPanel } from './reports.ts';
import { RulesPanel } from './rules.ts';
import { SanctionsPanel } from './sanctions.ts';
import { SessionsPanel } from './sessions.ts';
import { Trial } from './trial.ts';
import { TunerPanel } from './tuner.ts';
import { Upload } from './upload.ts';
import { WorldPanel } from './worldPanel.ts';

const LIVE_MS = 1_000;
/** Rules, health, guests and the audit log are asked for at every third tick. */
const SLOW_EVERY = 3;
const SAY_MS = 6_000;
/** The page says when it will log out this long before. */
const WARN_SECONDS = 10 * 60;
const BAN_MINUTES = 60;

// One of several worlds; the page is below its path.
const { world: ofWorld } = whereaboutsOf(new URL('../', location.href).href);
if (ofWorld !== null) {
  setText(byId('of-world'), titleOf(ofWorld));
  document.title = `${titleOf(ofWorld)}: admin`;
}

const login = byId<HTMLFormElement>('login');
const desk = byId('desk');
const logout = byId('logout');
const say = byId('say');

const world = new WorldPanel(byId('world'), (control) =>
  control.kind === 'clear'
    ? void act('POST', 'world/clear', { x: control.x, y: control.y, radius: control.radius }, 'Done.')
    : void act('POST', 'world', control, 'Done.'),
);
const sessions = new SessionsPanel(
  byId('sessions'),
  () => void act('POST', 'sessions/end', {}, 'The session has ended. Its record is kept.'),
);
const pages = new Pages((page) => void refreshSlow(page).catch(fail));
/** Id of the guest who is shown; empty: nobody. */
let chosen = '';
const remove = (what: object): void => void act('POST', 'bodies/remove', what, 'Removed: it dissolves.');
const guests = new GuestsPanel(byId('guests'), chooseGuest);
const guest = new GuestPanel(byId('guest'), {
  take: (id, measure) => void act('POST', `guests/${encodeURIComponent(id)}`, measure, 'Done.'),
  remove,
  bringBack: (wanted) =>
    void act<BroughtBack>('POST', 'bodies/bring-back', wanted, (answer) => broughtBackText(answer)),
  close: () => chooseGuest(''),
  choose: chooseGuest,
});
const reports = new ReportsPanel(byId('reports'), {
  handle: (id, outcome) => void act('POST', `reports/${id}`, { outcome }, 'Done.'),
  remove: (organism) => remove({ organism }),
  choose: chooseGuest,
});
const sanctions = new SanctionsPanel(byId('sanctions'), {
  lift: (id) => void act('DELETE', `sanctions/${encodeURIComponent(id)}`, undefined, 'Lifted.'),
  ban: (address) => void act('POST', 'sanctions', { kind: 'ban', address, minutes: BAN_MINUTES }, 'Banned.'),
  choose: chooseGuest,
});
const nursery = new NurseryPanel(byId('nursery'), {
  act: (action, drawing, reason) => void act('POST', 'nursery', { action, drawing, reason }, 'Done.'),
  choose(guest) {
    location.hash = '#people';
    chooseGuest(guest);
  },
});
const audit = new AuditPanel(byId('audit'), fail);
const admins = new AdminsPanel(byId('admins'), byId('new-token'), {
  done: (text) => tell(text),
  failed: fail,
});
const trial = new Trial(byId('trial'), {
  swap: (order) => act('POST', 'swaps', order, 'Swapped. The new rule is being watched.'),
});
const rules = new RulesPanel(
  { list: byId('rules'), species: byId('species'), swaps: byId('swaps') },
  {
    choose: (rule) => choose(rule),
    rollBack: (species) =>
      void act('POST', 'rollback', { species }, 'Rolled back. The rule is being watched.'),
  },
);
const tuner = new TunerPanel(byId('tuner'), {
  act: (action, done) => void act('POST', 'tuner', action, done),
});
new Upload(byId('upload'), byId<HTMLInputElement>('file'), {
  done: (rule) => {
    tell(`${rule.label} is in the registry. Look at its trial before you swap it in.`);
    void refreshSlow().then(() => {
      const entry = latest?.rules.find(({ id }) => id === rule.id);
      if (entry !== undefined) choose(entry);
    });
  },
});

let latest: RulesAnswer | null = null;
const figures = new Map<string, { readonly text: HTMLElement; readonly spark: Spark }>();
let health = Number.NaN;
let ticks = 0;
let timer: ReturnType<typeof setTimeout> | undefined;
let sayTimer: ReturnType<typeof setTimeout> | undefined;

function choose(rule: RuleEntry): void {
  void trial.show(rule, latest?.species.map(({ species }) => species) ?? []);
  if (latest !== null) rules.show(latest, rule.id);
}

function tell(text: string, isError = false): void {
  clearTimeout(sayTimer);
  say.textContent = text;
  say.hidden = false;
  say.toggleAttribute('data-error', isError);
  sayTimer = setTimeout(() => {
    say.hidden = true;
  }, SAY_MS);
}

/** Sends a request, says whether it succeeded, and refreshes the page at once. */
async function act<T = object>(
  method: string,
  path: string,
  body: unknown,
  done: string | ((answer: T) => string),
): Promise<void> {
  try {
    const answer = await ask<T & Done>(method, path, body);
    const { unwritten } = answer;
    const text = typeof done === 'string' ? done : done(answer);
    if (unwritten === undefined) tell(text);
    else tell(`${text} It is not written down yet: ${unwritten}`, true);
  } catch (error) {
    tell((error as Error).message, true);
  }
  await Promise.allSettled([refreshLive(), refreshSlow()]);
}

function chooseGuest(id: string): void {
  chosen = id;
  void refreshPeople().catch(fail);
  // On a narrow screen, the guest is far below the list.
  if (id !== '') byId('guest').scrollIntoView({ block: 'nearest', behavior: 'smooth' });
}

function fail(error: Error): void {
  if (error instanceof ApiError && error.status === 401) askToken('You are logged out.');
  else tell(error.message, true);
}

async function refreshLive(): Promise<void> {
  const live = await ask<LiveAnswer>('GET', 'live');
  if (desk.hidden) open(live);
  world.show(live);
  const { trouble } = live;
  byId('trouble').hidden = trouble === null;
  if (trouble !== null)
    setText(
      byId('trouble'),
      `The world cannot be saved: ${trouble}. Strokes are refused until it can; the world steps on, and you can pause it, mute, remove and ban.`,
    );
  setText(byId('who'), `${live.who}, ${live.role}`);
  showLeft(live.left);
  byId('open-reports').hidden = live.reports === 0;
  setText(byId('open-reports'), formatCount(live.reports));
  byId('open-drawings').hidden = live.drawings === 0;
  setText(byId('open-drawings'), formatCount(live.drawings));
  showFigures(live);
  if (live.role !== 'owner' || pages.current !== 'world') return;
  sessions.show(await ask<SessionsAnswer>('GET', 'sessions'));
  tuner.show(await ask<TunerView>('GET', 'tuner'));
}

/** Says when the login ends, if that is soon. */
function showLeft({ idleSeconds, seconds }: LoginLeft): void {
  const whole = (left: number): string => formatAge(left < 60 ? left : Math.floor(left / 60) * 60);
  const text =
    seconds <= Math.min(idleSeconds, WARN_SECONDS)
      ? `Logs out in ${whole(seconds)}`
      : idleSeconds <= WARN_SECONDS
        ? `Logs out in ${whole(idleSeconds)} unless you do something`
        : '';
  setText(byId('left'), text);
}

function showFigures(live: LiveAnswer): void {
  const { stats, players, stepsPerSecond, rssBytes } = live;
  figure('players', players.length, formatCount(players.length));
  const alive = stats?.organisms ?? Number.NaN;
  figure('alive', alive, formatCount(alive));
  figure('health', health, Number.isFinite(health) ? `${formatHealth(health)} %` : '–');
  const cells = stats?.livingCells ?? Number.NaN;
  figure('cells', cells, formatCount(cells));
  const wilted = Object.entries(live.wilted).sort(([, a], [, b]) => b - a);
  const total = wilted.reduce((sum, [, count]) => sum + count, 0);
  figure('wilted', total, formatCount(total), wilted.map(([rule, count]) => `${rule}: ${count}`).join('\n'));
  const steps = stats?.stepsPerSecond ?? Number.NaN;
  figure('steps/s', steps, stepsPerSecond === 0 ? 'paused' : formatSteps(steps));
  figure('memory', rssBytes, `${formatCount(rssBytes / 2 ** 20)} MB`);
  figure('up', Number.NaN, formatAge(live.uptimeSeconds));
}

/**
 * Shows a figure with the curve of its last two minutes.
 *
 * @param value - the next point of the curve; left out when it is not finite
 * @param details - shown when the pointer rests on the figure
 */
function figure(name: string, value: number, text: string, details = ''): void {
  let shown = figures.get(name);
  if (shown === undefined) {
    shown = { text: h('dd', {}), spark: new Spark() };
    figures.set(name, shown);
    const row = h('div', {}, h('dt', {}, name), shown.text);
    if (name !== 'up') row.append(shown.spark.element);
    byId('figures').append(row);
  }
  setText(shown.text, text);
  if (shown.text.title !== details) shown.text.title = details;
  shown.spark.add(value);
}

/** The mean health of all that have a body. */
async function refreshHealth(): Promise<void> {
  const answer = await ask<{ readonly health: number | null }>('GET', 'health');
  health = answer.health ?? Number.NaN;
}

async function refreshSlow(page: PageName = pages.current): Promise<void> {
  switch (page) {
    case 'world':
      if (document.body.dataset.role !== 'owner') return;
      latest = await ask<RulesAnswer>('GET', 'rules');
      rules.show(latest, trial.rule);
      tuner.showRules(latest.rules);
      return;
    case 'people':
      return refreshPeople();
    case 'nursery':
      nursery.show(await ask<AdminNurseryAnswer>('GET', 'nursery'));
      return;
    case 'log':
      return audit.refresh();
    case 'admins':
      return admins.refresh();
    default:
      page satisfies never;
  }
}

async function refreshPeople(): Promise<void> {
  const asked = chosen;
  const people = await ask<PeopleAnswer>('GET', 'people');
  guests.show(people, chosen);
  sanctions.show(people.sanctions);
  reports.show(people.reports);
  if (asked === '') {
    const answer = await ask<DeedsAnswer>('GET', 'deeds');
    if (chosen === asked) guest.showAll(answer);
    return;
  }
  try {
    const answer = await ask<GuestAnswer>('GET', `guests/${encodeURIComponent(asked)}`);
    if (chosen === asked) guest.show(answer);
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 404)) throw error;
    tell(error.message, true);
    if (chosen === asked) chooseGuest('');
  }
}

async function tick(): Promise<void> {
  clearTimeout(timer);
  try {
    if (ticks % SLOW_EVERY === 0) await refreshHealth();
    await refreshLive();
    if (ticks++ % SLOW_EVERY === 0) await refreshSlow();
  } catch (error) {
    fail(error as Error);
    if (!login.hidden) return;
  }
  timer = setTimeout(() => void tick(), LIVE_MS);
}

/** @param why - for the admin to read; empty: they have not been here before */
function askToken(why = ''): void {
  clearTimeout(timer);
  desk.hidden = true;
  byId('trouble').hidden = true;
  logout.hidden = true;
  login.hidden = false;
  byId('login-error').textContent = why;
  for (const id of ['who', 'left']) byId(id).textContent = '';
  pages.close();
  byId('token').focus();
}

function open({ role }: Pick<LiveAnswer, 'role'>): void {
  login.hidden = true;
  desk.hidden = false;
  logout.hidden = false;
  pages.open(role);
}

login.addEventListener('submit', async (event) => {
  event.preventDefault();
  const token = byId<HTMLInputElement>('token');
  const error = byId('login-error');
  error.textContent = '';
  try {
    await ask('POST', 'login', { token: token.value });
    ticks = 0;
    void tick();
  } catch (reason) {
    error.textContent = (reason as Error).message;
  }
  // The token is sent once and kept nowhere.
  token.value = '';
});
logout.addEventListener('click', async () => {
  await ask('POST', 'logout', {}).catch(() => {});
  askToken();
});

ask('GET', 'live').then(
  () => void tick(),
  (error: unknown) => {
    askToken();
    if (!(error instanceof ApiError && error.status === 401)) tell((error as Error).message, true);
  },
);
