/**
 * Dark or light: the system's choice until the player makes one. The colours are in tokens.css; code that draws on a
 * canvas reads them from here.
 */
import { Signal } from '../events.ts';
import { recall, remember } from '../remember.ts';

export interface Palette {
  readonly isDark: boolean;
  /** As #rrggbb. */
  readonly ground: string;
  readonly ink: string;
  readonly accent: string;
  readonly danger: string;
  readonly noise: string;
  readonly halo: string;
  readonly dot: string;
  readonly edge: string;
  readonly outside: string;
}

export class Theme {
  readonly changed = new Signal<[Palette]>();
  palette: Palette;
  readonly #system = matchMedia('(prefers-color-scheme: dark)');

  constructor() {
    const chosen = recall('theme');
    if (chosen === 'dark' || chosen === 'light') document.documentElement.dataset.theme = chosen;
    this.palette = this.#read();
    this.#system.addEventListener('change', () => this.#refresh());
  }

  get isDark(): boolean {
    const chosen = document.documentElement.dataset.theme;
    return chosen === undefined ? this.#system.matches : chosen === 'dark';
  }

  toggle(): void {
    const next = this.isDark ? 'light' : 'dark';
    document.documentElement.dataset.theme = next;
    remember('theme', next);
    this.#refresh();
  }

  #refresh(): void {
    this.palette = this.#read();
    this.changed.emit(this.palette);
  }

  #read(): Palette {
    // The value of a token names both themes' colours; an element that has it as its colour says which one holds.
    const probe = document.createElement('span');
    document.body.append(probe);
    const style = getComputedStyle(probe);
    const token = (name: string): string => {
      probe.style.color = `var(--${name})`;
      return hexOf(style.color);
    };
    const ground = token('ground');
    for (const meta of document.querySelectorAll('meta[name="theme-color"]'))
      meta.setAttribute('content', ground);
    const palette = {
      isDark: this.isDark,
      ground,
      ink: token('ink'),
      accent: token('accent'),
      danger: token('danger'),
      noise: token('noise'),
      halo: token('ring-halo'),
      dot: token('dot'),
      edge: token('edge'),
      outside: token('outside'),
    };
    probe.remove();
    return palette;
  }
}

/** @param computed - rgb(10, 26, 28) */
const hexOf = (computed: string): string =>
  `#${computed
    .match(/\d+/g)!
    .map((value) => Number(value).toString(16).padStart(2, '0'))
    .join('')}`;

/** A function, because the setting may change while the page is open. */
export const prefersReducedMotion = (): boolean => matchMedia('(prefers-reduced-motion: reduce)').matches;
