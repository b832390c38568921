/** The running session with a button that ends it, and past sessions. */

import type { PastSession, SessionsAnswer } from '../../shared/adminApi.ts';
import { h } from '../dom.ts';
import { formatAge, formatCount, formatMoment } from '../format.ts';

const ENDS: Readonly<Record<string, string>> = {
  empty: 'everybody had left',
  admin: 'ended by an admin',
  shutdown: 'the server was stopped',
  crash: 'the server crashed',
};

export class SessionsPanel {
  readonly #figures = h('dl', { class: 'figures' });
  readonly #none = h(
    'p',
    { class: 'soft' },
    'Nobody is playing. The next player or stroke begins a session.',
  );
  readonly #end = h('button', { class: 'button', type: 'button' }, 'End session');
  readonly #past = h('div', { class: 'list list--short' });
  #shown = '';

  constructor(root: HTMLElement, end: () => void) {
    this.#end.addEventListener('click', end);
    root.append(
      this.#none,
      this.#figures,
      h('div', { class: 'row' }, this.#end),
      h('h3', {}, 'Before'),
      this.#past,
    );
  }

  show({ running, past }: SessionsAnswer): void {
    this.#none.hidden = running !== null;
    this.#figures.hidden = this.#end.hidden = running === null;
    if (running !== null) {
      const { players, mostAtOnce, strokes, refusedStrokes, wounds, healed, openWounds, droppedWounds } =
        running;
      const figures: [string, string][] = [
        ['since', formatAge((Date.now() - Date.parse(running.beganAt)) / 1_000)],
        ['here', formatCount(running.atOnce)],
        ['players', `${formatCount(players)}, ${formatCount(mostAtOnce)} at once`],
        [
          'strokes',
          `${formatCount(strokes)}${refusedStrokes > 0 ? `, ${formatCount(refusedStrokes)} refused` : ''}`,
        ],
        ['wounds', `${formatCount(wounds)}${openWounds > 0 ? ` + ${formatCount(openWounds)} open` : ''}`],
        ['healed', formatCount(healed)],
        ...(droppedWounds > 0 ? [['not recorded', formatCount(droppedWounds)] as [string, string]] : []),
      ];
      this.#figures.replaceChildren(
        ...figures.map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value))),
      );
    }
    // The list is built again only when it has changed, so that it can be scrolled.
    const key = JSON.stringify(past);
    if (key === this.#shown) return;
    this.#shown = key;
    this.#past.replaceChildren(
      ...(past.length === 0 ? [h('p', { class: 'soft' }, 'There has been no session yet.')] : past.map(line)),
    );
  }
}

function line(session: PastSession): HTMLElement {
  if ('fault' in session)
    return h(
      'p',
      { class: 'line' },
      h('strong', {}, session.id),
      h('span', { class: 'line__reason' }, session.fault),
    );
  const { beganAt, endedAt, endedBy, players, strokes, damage, droppedWounds } = session;
  const title = h('strong', {}, formatMoment(new Date(beganAt)));
  const wounds = damage.reduce((sum, one) => sum + one.wounds, 0);
  const healed = damage.reduce((sum, one) => sum + one.healed, 0);
  const seconds = (Date.parse(endedAt) - Date.parse(beganAt)) / 1_000;
  const species = damage
    .filter((one) => one.wounds > 0)
    .map((one) => `${one.species} ${one.wounds} (${one.healed} healed)`)
    .join(', ');
  const facts = [
    formatAge(seconds),
    count(players, 'player'),
    count(strokes, 'stroke'),
    `${count(wounds, 'wound')}${wounds > 0 ? `, ${formatCount(healed)} healed` : ''}`,
    ...(droppedWounds > 0 ? [`${count(droppedWounds, 'wound')} not recorded`] : []),
    ENDS[endedBy] ?? endedBy,
  ];
  const row = h('p', { class: 'line' }, title, h('span', { class: 'soft' }, ` ${facts.join(' · ')}`));
  if (species !== '') row.append(h('br'), h('span', { class: 'soft' }, species));
  return row;
}

const count = (value: number, what: string): string =>
  `${formatCount(value)} ${what}${value === 1 ? '' : 's'}`;
