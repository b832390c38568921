/** Drawings: those that wait for a word, with picture, name and guest; the whole queue; species, and what is over. */
import { unpackDrawing } from '../../shared/drawing/packed.ts';
import type { AdminDrawing, AdminNurseryAnswer } from '../../shared/nursery.ts';
import { button, h, setText } from '../dom.ts';
import { thumbnail } from '../draw/thumbnail.ts';
import { formatCount, formatWhen } from '../format.ts';
import { sureButton } from './sureButton.ts';

export interface NurseryHandlers {
  act(action: 'approve' | 'refuse' | 'remove', drawing: number, reason: string): void;
  /** Shows a guest. */
  choose(guest: string): void;
}

const MODES: Readonly<Record<AdminNurseryAnswer['mode'], string>> = {
  off: 'Nothing is grown: the server runs with --nursery off.',
  approve: 'A drawing is grown once a moderator has approved it.',
  open: 'Every drawing is grown without a word: the server runs with --nursery open.',
};

/** All of a drawing but its state and the facts stays as it is. */
interface Row {
  readonly state: AdminDrawing['state'];
  readonly root: HTMLElement;
  readonly facts: HTMLElement;
}

export class NurseryPanel {
  readonly #root: HTMLElement;
  readonly #handlers: NurseryHandlers;
  #shown = '';
  /** By drawing: rows stay while their drawing does, with what a moderator has begun to type there. */
  #rows = new Map<number, Row>();

  constructor(root: HTMLElement, handlers: NurseryHandlers) {
    this.#root = root;
    this.#handlers = handlers;
  }

  show(answer: AdminNurseryAnswer): void {
    const { mode, drawings, species, maxSpecies } = answer;
    const key = JSON.stringify([mode, drawings, species]);
    if (key === this.#shown) return;
    this.#shown = key;
    const before = this.#rows;
    this.#rows = new Map(drawings.map((one) => [one.id, this.#rowOf(one, before.get(one.id))]));
    const focused = document.activeElement;
    const of = (...states: readonly AdminDrawing['state'][]): AdminDrawing[] =>
      drawings.filter(({ state }) => states.includes(state));
    this.#root.replaceChildren(
      h('p', { class: 'soft' }, MODES[mode]),
      this.#part('Waiting for a word', of('waiting'), 'Nothing waits.'),
      this.#part('Learning and queued', of('learning', 'queued'), 'Nothing is queued.'),
      this.#part(`Species: ${species} of ${maxSpecies}`, of('ready'), 'None yet.'),
      this.#part('Over', of('refused', 'withdrawn', 'withered', 'removed'), 'Nothing.'),
    );
    // What is moved within the page loses the focus.
    if (focused instanceof HTMLElement && focused !== document.activeElement && this.#root.contains(focused))
      focused.focus();
  }

  #acts(one: AdminDrawing): HTMLElement[] {
    switch (one.state) {
      case 'waiting':
        return [button('Approve', () => this.#handlers.act('approve', one.id, '')), ...this.#refusal(one)];
      case 'learning':
      case 'queued':
        return this.#refusal(one);
      case 'ready':
        return [
          sureButton('Remove', 'Remove it with all its bodies?', () =>
            this.#handlers.act('remove', one.id, ''),
          ),
        ];
      default:
        return [];
    }
  }

  #refusal(one: AdminDrawing): HTMLElement[] {
    const reason = h('input', {
      type: 'text',
      maxlength: '200',
      placeholder: 'Why, for its maker (optional)',
      'aria-label': `Why ${one.name} is refused`,
    });
    return [reason, button('Refuse', () => this.#handlers.act('refuse', one.id, reason.value))];
  }

  #part(title: string, drawings: readonly AdminDrawing[], nothing: string): HTMLElement {
    return h(
      'section',
      { class: 'drawings' },
      h('h3', {}, title),
      ...(drawings.length === 0 ? [h('p', { class: 'soft' }, nothing)] : []),
      ...drawings.map(({ id }) => this.#rows.get(id)!.root),
    );
  }

  #rowOf(one: AdminDrawing, before: Row | undefined): Row {
    const row = before?.state === one.state ? before : this.#row(one);
    setText(row.facts, factsOf(one));
    return row;
  }

  #row(one: AdminDrawing): Row {
    const { name, maker, guest, state } = one;
    const acts = this.#acts(one);
    const facts = h('p', { class: 'soft' });
    const root = h(
      'div',
      { class: 'drawings__row', 'data-drawing': String(one.id) },
      picture(one),
      h(
        'div',
        { class: 'grow' },
        h(
          'p',
          {},
          h('strong', {}, name),
          ' by ',
          button(maker, () => this.#handlers.choose(guest), 'link'),
        ),
        facts,
        ...(acts.length > 0 ? [h('div', { class: 'row' }, ...acts)] : []),
      ),
    );
    return { state, root, facts };
  }
}

function factsOf({ address, state, reason, species, created, isPassed, bodies }: AdminDrawing): string {
  return [
    `${state}, sent ${formatWhen(created)} from ${address}`,
    ...(state === 'ready' ? [`${species}: ${formatCount(bodies ?? 0)} bodies`] : []),
    ...(state === 'ready' ? [isPassed ? 'passes every gate' : 'misses a gate'] : []),
    ...(reason === '' ? [] : [reason]),
  ].join(' · ');
}

function picture({ drawing }: AdminDrawing): HTMLElement {
  try {
    return thumbnail(unpackDrawing(drawing), 'drawings__picture');
  } catch {
    return h('span', { class: 'drawings__picture' }, '?');
  }
}
