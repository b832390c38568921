/** `#draw=…&name=…`: a drawing as a link. The fragment never reaches a server. Pure. */
import { contentOf, cutOut, type Drawing } from '../../shared/drawing/drawing.ts';
import { MAX_PACKED_CHARACTERS, packDrawing, unpackDrawing } from '../../shared/drawing/packed.ts';
import { cleanCreatureName, creatureNameFault } from '../../shared/drawing/submission.ts';

/** The longest drawing, and the longest name with each byte written as %XX. */
const MAX_HASH = MAX_PACKED_CHARACTERS + 2_400;

export interface LinkedDrawing {
  readonly drawing: Drawing;
  /** Empty: it has none. */
  readonly name: string;
}

/** @returns the fragment, with its `#`; the drawing is cropped to its content */
export function formatDrawLink(drawing: Drawing, name: string): string {
  const content = contentOf(drawing);
  const packed = packDrawing(content === null ? drawing : cutOut(drawing, content));
  const clean = cleanCreatureName(name);
  return creatureNameFault(clean) === null
    ? `#draw=${packed}&name=${encodeURIComponent(clean)}`
    : `#draw=${packed}`;
}

/**
 * @returns null when the fragment speaks of something else
 * @throws DrawingError when it is of a drawing, and that is damaged
 */
export function parseDrawLink(hash: string): LinkedDrawing | null {
  const match = /^#?draw=([^&]*)(?:&name=([^&]*))?$/.exec(hash.slice(0, MAX_HASH + 1));
  if (match === null) return null;
  const drawing = unpackDrawing(match[1]);
  return { drawing, name: nameIn(match[2] ?? '') };
}

/** A name that is none is left out: the drawing is what the link is for. */
function nameIn(text: string): string {
  try {
    const name = decodeURIComponent(text);
    return creatureNameFault(name) === null ? cleanCreatureName(name) : '';
  } catch {
    return '';
  }
}
