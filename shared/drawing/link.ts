/** `#draw=…&name=…`: a drawing as a link. Browsers send no server the fragment of an address. */
import { contentOf, cutOut, type Drawing } from './drawing.ts';
import { MAX_PACKED_CHARACTERS, packDrawing, unpackDrawing } from './packed.ts';
import { cleanCreatureName, creatureNameFault } from './submission.ts';

/** The longest drawing, and the longest name with each byte written as %XX. */
const MAX_HASH = MAX_PACKED_CHARACTERS + 2_400;

export interface LinkedDrawing {
  readonly drawing: Drawing;
  /** Empty: it has none. */
  readonly name: string;
}

/** What a link carries. */
export interface PackedLink {
  /** As `packDrawing` writes it; nobody has looked whether it is whole. */
  readonly packed: string;
  /** Empty: it has none. */
  readonly name: string;
}

/** @returns the fragment, with its `#`; the drawing is cropped to its content */
export function formatDrawLink(drawing: Drawing, name: string): string {
  const content = contentOf(drawing);
  return formatPackedLink({
    packed: packDrawing(content === null ? drawing : cutOut(drawing, content)),
    name,
  });
}

/** @returns the fragment, with its `#` */
export function formatPackedLink({ packed, name }: PackedLink): string {
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
  const link = parsePackedLink(hash);
  return link === null ? null : { drawing: unpackDrawing(link.packed), name: link.name };
}

/** @returns null when the fragment speaks of something else */
export function parsePackedLink(hash: string): PackedLink | null {
  const match = /^#?draw=([^&]*)(?:&name=([^&]*))?$/.exec(hash.slice(0, MAX_HASH + 1));
  return match === null ? null : { packed: match[1], name: nameIn(match[2] ?? '') };
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
