/**
 * Dark or light: the system's choice until the viewer makes his own. The colours themselves live in
 * style/tokens.css; what is drawn on a canvas reads them from there.
 */
import { Signal } from './events.ts';
import { recall, remember } from './remember.ts';

export type Rgb = readonly [r: number, g: number, b: number];

export interface Palette {
  readonly isDark: boolean;
  /** CSS colours. */
  readonly ground: string;
  readonly ink: string;
  readonly accent: string;
  readonly danger: string;
  readonly noise: string;
  readonly halo: string;
  /** 0..1 each, for the ground's shader. */
  readonly groundRgb: Rgb;
  readonly groundDeepRgb: Rgb;
  readonly dotRgb: Rgb;
  readonly edgeRgb: Rgb;
  readonly outsideRgb: Rgb;
}

/** `#rrggbb` → 0..1 each. Tokens that a canvas reads are written so. */
export function parseHex(hex: string): Rgb {
  const match = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(hex.trim());
  if (match === null) throw new Error(`colour "${hex}" is not #rrggbb`);
  return [1, 2, 3].map((i) => Number.parseInt(match[i], 16) / 255) as unknown as Rgb;
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
    const style = getComputedStyle(document.documentElement);
    const token = (name: string): string => style.getPropertyValue(`--${name}`).trim();
    const ground = token('ground');
    for (const meta of document.querySelectorAll('meta[name="theme-color"]'))
      meta.setAttribute('content', ground);
    return {
      isDark: this.isDark,
      ground,
      ink: token('ink'),
      accent: token('accent'),
      danger: token('danger'),
      noise: token('noise'),
      halo: token('ring-halo'),
      groundRgb: parseHex(ground),
      groundDeepRgb: parseHex(token('ground-deep')),
      dotRgb: parseHex(token('dot')),
      edgeRgb: parseHex(token('edge')),
      outsideRgb: parseHex(token('outside')),
    };
  }
}

/** Asked each time: the setting may change while the page is open. */
export const prefersReducedMotion = (): boolean => matchMedia('(prefers-reduced-motion: reduce)').matches;
