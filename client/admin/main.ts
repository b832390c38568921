/** The admin's page: log in, then rules, world, players and figures, asked for once a second. Wiring only. */
import { byId, h } from '../dom.ts';
import { formatAge, formatCount, formatSteps } from '../format.ts';
import {
  ApiError,
  type AuditEntry,
  ask,
  type LiveAnswer,
  type RuleEntry,
  type RulesAnswer,
  type SessionsAnswer,
} from './api.ts';
import { PeoplePanel, showAudit } from './people.ts';
import { RulesPanel } from './rules.ts';
import { SessionsPanel } from './sessions.ts';
import { Trial } from './trial.ts';
import { Upload } from './upload.ts';
import { WorldPanel } from './world-panel.ts';

const LIVE_MS = 1_000;
/** Of the slower questions: rules, and who did what. */
const SLOW_EVERY = 3;
const SAY_MS = 6_000;

const login = byId<HTMLFormElement>('login');
const desk = byId('desk');
const logout = byId('logout');
const say = byId('say');

const world = new WorldPanel(byId('world'), (control) => void act('POST', 'world', control, 'Done.'));
const sessions = new SessionsPanel(
  byId('sessions'),
  () => void act('POST', 'sessions/end', {}, 'Ended; its record is kept.'),
);
const people = new PeoplePanel(byId('players'), {
  act: (id, action) => void act('POST', `players/${encodeURIComponent(id)}`, action, 'Done.'),
  unban: (address) => void act('DELETE', `bans/${encodeURIComponent(address)}`, undefined, 'Done.'),
});
const trial = new Trial(byId('trial'), {
  swap: (order) => act('POST', 'swaps', order, 'Swapped; it is being watched.'),
});
const rules = new RulesPanel(
  { list: byId('rules'), species: byId('species'), swaps: byId('swaps') },
  {
    choose: (rule) => choose(rule),
    rollBack: (species) => void act('POST', 'rollback', { species }, 'Rolled back; it is being watched.'),
  },
);
new Upload(byId('upload'), byId<HTMLInputElement>('file'), {
  done: (rule) => {
    tell(`${rule.label} is in the registry: have a look before it is swapped in.`);
    void refreshSlow().then(() => {
      const entry = latest?.rules.find(({ id }) => id === rule.id);
      if (entry !== undefined) choose(entry);
    });
  },
});

let latest: RulesAnswer | null = null;
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

/** Does it, says what came of it, and looks again at once. */
async function act(method: string, path: string, body: unknown, done: string): Promise<void> {
  try {
    await ask(method, path, body);
    tell(done);
  } catch (error) {
    tell((error as Error).message, true);
  }
  await Promise.allSettled([refreshLive(), refreshSlow()]);
}

async function refreshLive(): Promise<void> {
  const live = await ask<LiveAnswer>('GET', 'live');
  world.show(live);
  people.show(live);
  sessions.show(await ask<SessionsAnswer>('GET', 'sessions'));
  byId('who').textContent = live.who;
  const { stats } = live;
  const figures: [string, string][] = [
    ['players', formatCount(live.players.length)],
    ['alive', formatCount(stats?.organisms ?? Number.NaN)],
    ['cells', formatCount(stats?.livingCells ?? Number.NaN)],
    ['steps/s', live.stepsPerSecond === 0 ? 'paused' : formatSteps(stats?.stepsPerSecond ?? Number.NaN)],
    ['memory', `${formatCount(live.rssBytes / 2 ** 20)} MB`],
    ['up', formatAge(live.uptimeSeconds)],
  ];
  byId('figures').replaceChildren(
    ...figures.map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value))),
  );
}

async function refreshSlow(): Promise<void> {
  latest = await ask<RulesAnswer>('GET', 'rules');
  rules.show(latest, trial.rule);
  const { entries } = await ask<{ entries: readonly AuditEntry[] }>('GET', 'audit');
  showAudit(byId('audit'), entries);
}

async function tick(): Promise<void> {
  try {
    await refreshLive();
    if (ticks++ % SLOW_EVERY === 0) await refreshSlow();
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return askToken();
    tell((error as Error).message, true);
  }
  timer = setTimeout(() => void tick(), LIVE_MS);
}

function askToken(): void {
  clearTimeout(timer);
  desk.hidden = true;
  logout.hidden = true;
  login.hidden = false;
  byId('token').focus();
}

function open(): void {
  login.hidden = true;
  desk.hidden = false;
  logout.hidden = false;
  ticks = 0;
  void tick();
}

login.addEventListener('submit', async (event) => {
  event.preventDefault();
  const token = byId<HTMLInputElement>('token');
  const error = byId('login-error');
  error.textContent = '';
  try {
    await ask('POST', 'login', { token: token.value, name: byId<HTMLInputElement>('name').value });
    open();
  } catch (reason) {
    error.textContent = (reason as Error).message;
  }
  // Sent once, and kept nowhere.
  token.value = '';
});
logout.addEventListener('click', async () => {
  await ask('POST', 'logout', {}).catch(() => {});
  askToken();
});

ask('GET', 'live').then(open, (error: unknown) => {
  askToken();
  if (!(error instanceof ApiError && error.status === 401)) tell((error as Error).message, true);
});
