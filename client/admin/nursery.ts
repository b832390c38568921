/** Drawings: those that wait for a word, with picture, name and guest; the whole queue; species, and what is over. */
import { unpackDrawing } from '../../shared/drawing/packed.ts';
import type { AdminDrawing, AdminNurseryAnswer } from '../../shared/nursery.ts';
import { button, h } from '../dom.ts';
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

export class NurseryPanel {
  readonly #root: HTMLElement;
  readonly #handlers: NurseryHandlers;
  #shown = '';

  constructor(root: HTMLElement, handlers: NurseryHandlers) {
    this.#root = root;
    this.#handlers = handlers;
  }

  show(answer: AdminNurseryAnswer): void {
    const { mode, drawings, species, maxSpecies } = answer;
    const key = JSON.stringify([mode, drawings, species]);
    if (key === this.#shown) return;
    this.#shown = key;
    const of = (...states: readonly AdminDrawing['state'][]): AdminDrawing[] =>
      drawings.filter(({ state }) => states.includes(state));
    this.#root.replaceChildren(
      h('p', { class: 'soft' }, MODES[mode]),
      this.#part('Waiting for a word', of('waiting'), 'Nothing waits.', (one) => [
        button('Approve', () => this.#handlers.act('approve', one.id, '')),
        ...this.#refusal(one),
      ]),
      this.#part('Learning and queued', of('learning', 'queued'), 'Nothing is queued.', (one) =>
        this.#refusal(one),
      ),
      this.#part(`Species: ${species} of ${maxSpecies}`, of('ready'), 'None yet.', (one) => [
        sureButton('Remove', 'Remove it with all its bodies?', () =>
          this.#handlers.act('remove', one.id, ''),
        ),
      ]),
      this.#part('Over', of('refused', 'withdrawn', 'withered', 'removed'), 'Nothing.', () => []),
    );
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

  #part(
    title: string,
    drawings: readonly AdminDrawing[],
    nothing: string,
    acts: (one: AdminDrawing) => HTMLElement[],
  ): HTMLElement {
    return h(
      'section',
      { class: 'drawings' },
      h('h3', {}, title),
      ...(drawings.length === 0 ? [h('p', { class: 'soft' }, nothing)] : []),
      ...drawings.map((one) => this.#row(one, acts(one))),
    );
  }

  #row(one: AdminDrawing, acts: HTMLElement[]): HTMLElement {
    const { name, maker, guest, address, state, reason, species, created, isPassed, bodies } = one;
    const facts = [
      `${state}, sent ${formatWhen(created)} from ${address}`,
      ...(state === 'ready' ? [`${species}: ${formatCount(bodies ?? 0)} bodies`] : []),
      ...(state === 'ready' ? [isPassed ? 'passes every gate' : 'misses a gate'] : []),
      ...(reason === '' ? [] : [reason]),
    ];
    return h(
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
        h('p', { class: 'soft' }, facts.join(' · ')),
        ...(acts.length > 0 ? [h('div', { class: 'row' }, ...acts)] : []),
      ),
    );
  }
}

function picture({ drawing }: AdminDrawing): HTMLElement {
  try {
    return thumbnail(unpackDrawing(drawing), 'drawings__picture');
  } catch {
    return h('span', { class: 'drawings__picture' }, '?');
  }
}
