/** A label: a few words in a frame on the overlay, beside their subject and where no panel hides them. */
import type { Point, Rect, Size } from '../../shared/geometry.ts';

/** CSS pixels, at 16 pixels per rem. */
const LINE = 17;
const PAD_X = 10;
const PAD_Y = 6;
const GAP = 8;
const MAX_LINE = 280;

export interface Type {
  readonly font: string;
  /** CSS colours. */
  readonly ink: string;
  readonly paper: string;
  /** Pixels per rem, divided by 16. */
  readonly scale: number;
}

/** Where a label can be read, in pixels of the view. */
export interface LabelRoom {
  /** The part between the header and the tools. */
  readonly free: Rect;
  /** Panels that cover a part of `free`. */
  readonly panels: readonly Rect[];
}

/** @param about - box of what the label is about; pixels */
export function drawLabel(
  paper: CanvasRenderingContext2D,
  text: string,
  about: Rect,
  room: LabelRoom,
  type: Type,
): void {
  const { scale } = type;
  paper.save();
  paper.font = type.font;
  const lines = wrap(paper, text, Math.min(MAX_LINE, room.free.width / scale - 2 * (PAD_X + GAP)));
  const width = Math.max(...lines.map((line) => paper.measureText(line).width)) + 2 * PAD_X;
  const height = lines.length * LINE + 2 * PAD_Y;
  const at = labelPlace(about, { width: width * scale, height: height * scale }, room);
  paper.translate(at.x, at.y);
  paper.scale(scale, scale);
  paper.beginPath();
  paper.roundRect(0, 0, width, height, 8);
  paper.globalAlpha = 0.92;
  paper.fillStyle = type.paper;
  paper.fill();
  paper.globalAlpha = 1;
  paper.lineWidth = 1;
  paper.strokeStyle = type.ink;
  paper.stroke();
  paper.fillStyle = type.ink;
  paper.textBaseline = 'middle';
  paper.textAlign = 'center';
  for (const [i, line] of lines.entries()) paper.fillText(line, width / 2, PAD_Y + LINE * (i + 0.5));
  paper.restore();
}

/** Breaks a text into lines of at most `maxWidth` pixels; a word that is wider has a line of its own. */
function wrap(paper: CanvasRenderingContext2D, text: string, maxWidth: number): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const longer = `${lines[lines.length - 1]} ${word}`.trim();
    if (lines[lines.length - 1] === '' || paper.measureText(longer).width <= maxWidth)
      lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

/**
 * Places a label above a box, else below it, else at its left or right, wherever no panel hides it. If there is no such
 * place, it may cover the box. It never leaves `free`.
 */
export function labelPlace(box: Rect, label: Size, { free, panels }: LabelRoom): Point {
  const within = (at: number, low: number, high: number): number => Math.max(low, Math.min(high, at));
  const middleX = box.x + (box.width - label.width) / 2;
  const middleY = box.y + (box.height - label.height) / 2;
  const wanted: readonly Point[] = [
    { x: middleX, y: box.y - GAP - label.height },
    { x: middleX, y: box.y + box.height + GAP },
    { x: box.x - GAP - label.width, y: middleY },
    { x: box.x + box.width + GAP, y: middleY },
  ];
  const places = wanted.map(({ x, y }) => ({
    x: within(x, free.x + GAP, free.x + free.width - GAP - label.width),
    y: within(y, free.y + GAP, free.y + free.height - GAP - label.height),
  }));
  const isClearOf =
    (others: readonly Rect[]) =>
    (place: Point): boolean =>
      others.every((other) => !overlaps({ ...place, ...label }, other));
  return places.find(isClearOf([...panels, box])) ?? places.find(isClearOf(panels)) ?? places[0];
}

const overlaps = (a: Rect, b: Rect): boolean =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
