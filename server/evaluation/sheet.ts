/** The contact sheet of evaluations: one PNG that shows what the figures say. */
import { encode } from 'fast-png';
import type { Evaluation, Frame, Frames } from './evaluate.ts';
import { drawText, GLYPH_HEIGHT } from './font.ts';

export interface Evaluated {
  readonly evaluation: Evaluation;
  readonly frames: Frames;
}

const PIXELS_PER_CELL = 3;
const TEXT_PIXELS = 2;
const LABEL_ROWS = (GLYPH_HEIGHT + 4) * TEXT_PIXELS;
const PAPER = [247, 245, 240] as const;
const INK = [70, 68, 64] as const;

/** Three rows per rule: its target and growth; each kind of damage; the same 200 steps later. PNG bytes. */
export function contactSheet(evaluated: readonly Evaluated[]): Uint8Array {
  const rows = evaluated.flatMap(({ evaluation, frames }) => {
    const healing = Object.entries(frames.healing);
    return [
      [
        { label: evaluation.rule, frame: frames.target },
        ...frames.growth.map((frame) => ({ label: String(frame.step), frame })),
      ],
      healing.map(([kind, strip]) => ({ label: kind, frame: strip[0] })),
      healing.map(([, strip]) => ({ label: `+${strip.at(-1)!.step}`, frame: strip.at(-1)! })),
    ];
  });
  const all = rows.flat().map(({ frame }) => frame);
  const cellsWide = Math.max(...all.map(({ width }) => width));
  const cellsHigh = Math.max(...all.map(({ height }) => height));
  const sheet = new Sheet(cellsWide, cellsHigh, Math.max(...rows.map((row) => row.length)), rows.length);
  for (const [row, places] of rows.entries()) {
    for (const [column, { label, frame }] of places.entries()) sheet.draw(column, row, label, frame);
  }
  return sheet.png();
}

class Sheet {
  readonly #pixels: Uint8Array;
  readonly #width: number;
  readonly #height: number;
  readonly #placeWidth: number;
  readonly #placeHeight: number;

  constructor(cellsWide: number, cellsHigh: number, columns: number, rows: number) {
    this.#placeWidth = cellsWide * PIXELS_PER_CELL;
    this.#placeHeight = cellsHigh * PIXELS_PER_CELL + LABEL_ROWS;
    this.#width = this.#placeWidth * columns;
    this.#height = this.#placeHeight * rows;
    this.#pixels = new Uint8Array(this.#width * this.#height * 3);
    for (let i = 0; i < this.#pixels.length; i++) this.#pixels[i] = PAPER[i % 3];
  }

  draw(column: number, row: number, label: string, frame: Frame): void {
    const left = column * this.#placeWidth;
    const top = row * this.#placeHeight;
    for (let y = 0; y < frame.height; y++) {
      for (let x = 0; x < frame.width; x++) {
        const at = (y * frame.width + x) * 4;
        const alpha = frame.rgba[at + 3] / 255;
        if (alpha === 0) continue;
        const colour = PAPER.map((paper, c) => paper + alpha * (frame.rgba[at + c] - paper));
        this.#square(
          left + x * PIXELS_PER_CELL,
          top + LABEL_ROWS + y * PIXELS_PER_CELL,
          PIXELS_PER_CELL,
          colour,
        );
      }
    }
    drawText(label, (x, y) =>
      this.#square(left + (x + 3) * TEXT_PIXELS, top + (y + 2) * TEXT_PIXELS, TEXT_PIXELS, INK),
    );
  }

  #square(left: number, top: number, size: number, colour: readonly number[]): void {
    for (let y = top; y < top + size; y++) {
      for (let x = left; x < left + size; x++) {
        const pixel = (y * this.#width + x) * 3;
        for (let c = 0; c < 3; c++) this.#pixels[pixel + c] = Math.round(colour[c]);
      }
    }
  }

  png(): Uint8Array {
    return encode({ width: this.#width, height: this.#height, data: this.#pixels, channels: 3 });
  }
}
