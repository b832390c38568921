/**
 * The silhouette: the grown body of the species in hand, drawn where it would grow from the cell under the pointer. When
 * the body has no room, it is drawn in the colour of refusals.
 */
import type { Rect, Size } from '../../shared/geometry.ts';
import type { Species } from '../../shared/protocol.ts';
import type { HeldSeed } from '../hands/planting.ts';
import type { Palette } from '../style/theme.ts';
import { type Camera, cellToScreen } from './camera.ts';

/** `tint`: how strong the colour is over the body's own colours; `body`: its opacity. 0..1. */
const FITS = { tint: 0.3, body: 0.6 } as const;
const REFUSED = { tint: 0.7, body: 0.6 } as const;
/** Opacity of the body's outermost cells, which have only the tint's colour: the outline is seen on any ground. */
const RIM = 0.95;
/** A cell with less alpha, 0..255, is too faint to be seen, and counts as empty. */
export const MIN_VISIBLE_ALPHA = 25;
/** Least CSS pixels of the mark on the seed's cell. */
const MIN_SEED = 7;

type Style = typeof FITS | typeof REFUSED;

interface Picture {
  readonly source: string;
  readonly image: HTMLImageElement;
  /** Colour → the tinted body, one pixel per cell. */
  readonly tinted: Map<string, HTMLCanvasElement>;
}

export class Silhouette {
  readonly #loaded: () => void;
  readonly #pictures = new Map<string, Picture>();

  /** @param loaded - called when a picture has been loaded and can be drawn */
  constructor(loaded: () => void) {
    this.#loaded = loaded;
  }

  /** @returns the boxes of the body and of the mark on its seed; pixels */
  draw(
    paper: CanvasRenderingContext2D,
    camera: Camera,
    view: Size,
    seed: HeldSeed & { readonly reason: string | null },
    palette: Palette,
  ): { readonly box: Rect; readonly mark: Rect } {
    const { zoom } = camera;
    const { species, x, y } = seed;
    const corner = cellToScreen(camera, view, x + species.x, y + species.y);
    const box = { ...corner, width: species.width * zoom, height: species.height * zoom };
    const color = seed.reason === null ? palette.accent : palette.danger;
    const body = this.#body(seed.species, color, seed.reason === null ? FITS : REFUSED);
    if (body !== null) {
      paper.imageSmoothingEnabled = false;
      paper.drawImage(body, box.x, box.y, box.width, box.height);
    }
    const middle = cellToScreen(camera, view, seed.x + 0.5, seed.y + 0.5);
    const side = Math.max(MIN_SEED, zoom);
    const mark = { x: middle.x - side / 2, y: middle.y - side / 2, width: side, height: side };
    paper.beginPath();
    paper.roundRect(mark.x, mark.y, side, side, side / 4);
    paper.lineWidth = 3;
    paper.strokeStyle = palette.halo;
    paper.stroke();
    paper.fillStyle = color;
    paper.fill();
    return { box, mark };
  }

  /** @returns null until the species' picture is loaded */
  #body(species: Species, color: string, style: Style): HTMLCanvasElement | null {
    const picture = this.#picture(species);
    if (!picture.image.complete || picture.image.naturalWidth === 0) return null;
    const known = picture.tinted.get(color);
    if (known !== undefined) return known;
    const tinted = tint(picture.image, color, style);
    picture.tinted.set(color, tinted);
    return tinted;
  }

  /** Loads a species' picture, again when its rule was swapped and the thumbnail is another. */
  #picture({ name, thumbnail }: Species): Picture {
    const known = this.#pictures.get(name);
    if (known?.source === thumbnail) return known;
    const image = new Image();
    image.onload = this.#loaded;
    image.src = thumbnail;
    const picture = { source: thumbnail, image, tinted: new Map() };
    this.#pictures.set(name, picture);
    return picture;
  }
}

/** @param color - #rrggbb */
function tint(image: HTMLImageElement, color: string, style: Style): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  const { naturalWidth: width, naturalHeight: height } = image;
  canvas.width = width;
  canvas.height = height;
  const paper = canvas.getContext('2d') as CanvasRenderingContext2D;
  paper.drawImage(image, 0, 0);
  const pixels = paper.getImageData(0, 0, width, height);
  const own = pixels.data.slice();
  const isBody = (x: number, y: number): boolean =>
    x >= 0 && y >= 0 && x < width && y < height && own[(y * width + x) * 4 + 3] >= MIN_VISIBLE_ALPHA;
  const inks = [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16));
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const cell = (y * width + x) * 4;
      const isInside = isBody(x - 1, y) && isBody(x + 1, y) && isBody(x, y - 1) && isBody(x, y + 1);
      const share = isInside ? style.tint : 1;
      for (const [c, ink] of inks.entries())
        pixels.data[cell + c] = own[cell + c] * (1 - share) + ink * share;
      pixels.data[cell + 3] = isBody(x, y) ? (isInside ? own[cell + 3] * style.body : 255 * RIM) : 0;
    }
  }
  paper.putImageData(pixels, 0, 0);
  return canvas;
}
