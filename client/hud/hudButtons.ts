/** The buttons in the corner, and the dot with the player's own colour beside the name. */
import { byId } from '../dom.ts';
import { playerColor } from '../scene/overlay.ts';
import type { Theme } from '../style/theme.ts';
import type { Help } from './help.ts';
import { icon } from './icons.ts';

export interface HudParts {
  readonly theme: Theme;
  readonly help: Help;
}

export class HudButtons {
  readonly #theme: Theme;
  readonly #toggle = byId('theme');
  readonly #dot = byId('name-dot');
  #hue = -1;

  constructor({ theme, help }: HudParts) {
    this.#theme = theme;
    this.#toggle.addEventListener('click', () => theme.toggle());
    theme.changed.on(() => this.#show());
    this.#show();
    const open = byId('help-open');
    open.append(icon('help'));
    open.addEventListener('click', () => help.toggle());
  }

  /** Shows the player's own colour, as others see it. */
  tint(hue: number): void {
    if (hue === this.#hue) return;
    this.#hue = hue;
    this.#dot.style.background = playerColor(hue, this.#theme.isDark);
  }

  #show(): void {
    const { isDark } = this.#theme;
    this.#toggle.replaceChildren(icon(isDark ? 'sun' : 'moon'));
    this.#toggle.setAttribute('aria-label', isDark ? 'Use the light theme' : 'Use the dark theme');
    this.#toggle.title = isDark ? 'Light theme' : 'Dark theme';
    if (this.#hue >= 0) this.#dot.style.background = playerColor(this.#hue, isDark);
  }
}
