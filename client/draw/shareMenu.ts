/** Ways to give a drawing away: its link, and a PNG of one pixel per cell. */
import type { Drawing } from '../../shared/drawing/drawing.ts';
import { h } from '../dom.ts';
import { drawIcon } from './drawIcons.ts';
import { thumbnail } from './thumbnail.ts';

export interface ShareParts {
  /** The fragment of the drawing's link, with its `#`. */
  readonly link: () => string;
  readonly drawing: () => Drawing;
  readonly name: () => string;
  readonly tell: (text: string) => void;
}

export class ShareMenu {
  readonly root = h('div', { class: 'share' });
  readonly #parts: ShareParts;
  /** Shown where the clipboard is refused: the link can be copied by hand. */
  readonly #field = h('input', {
    class: 'share__link',
    type: 'text',
    readonly: '',
    'aria-label': 'Link to the drawing',
  });

  constructor(parts: ShareParts) {
    this.#parts = parts;
    this.#field.hidden = true;
    this.#field.addEventListener('blur', () => {
      this.#field.hidden = true;
    });
    this.root.append(
      this.#field,
      action('share', 'Link', 'Copy a link that carries the drawing', () => void this.#share()),
      action('save', 'PNG', 'Save as a PNG, one pixel per cell', () => this.#save()),
    );
  }

  async #share(): Promise<void> {
    const url = new URL(location.href);
    url.hash = this.#parts.link();
    try {
      // Missing on plain HTTP.
      if (navigator.clipboard === undefined) throw new DOMException('no clipboard', 'NotAllowedError');
      await navigator.clipboard.writeText(url.href);
      this.#parts.tell(`The link is copied: ${url.href.length} characters, and the drawing is in it.`);
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
      this.#field.value = url.href;
      this.#field.hidden = false;
      this.#field.focus();
      this.#field.select();
      this.#parts.tell('Copy the link from the field above.');
    }
  }

  #save(): void {
    thumbnail(this.#parts.drawing(), '').toBlob((png) => {
      if (png === null) {
        this.#parts.tell('This browser cannot write a PNG.');
        return;
      }
      const url = URL.createObjectURL(png);
      const file = this.#parts
        .name()
        .trim()
        .toLowerCase()
        .replace(/[^\p{L}\p{N}]+/gu, '-');
      h('a', { href: url, download: `${file.replace(/^-|-$/g, '') || 'drawing'}.png` }).click();
      // The browser reads it after the click.
      setTimeout(() => URL.revokeObjectURL(url), 10_000);
    }, 'image/png');
  }
}

function action(icon: 'share' | 'save', label: string, title: string, press: () => void): HTMLButtonElement {
  const element = h('button', { class: 'draw-action', type: 'button', title }, drawIcon(icon, true), label);
  element.addEventListener('click', press);
  return element;
}
