/** How a command and the metadata of a rule name the picture that the rule is trained on. */
import { basename } from 'node:path';
import { DrawingError } from '../../shared/drawing/drawing.ts';
import { formatPackedLink, parsePackedLink } from '../../shared/drawing/link.ts';
import { RuleError } from '../rules/rule.ts';
import { type Drawn, drawnPicture } from '../training/drawn.ts';
import type { TargetSource } from '../training/target.ts';

type PictureSource = Pick<TargetSource, 'sprite' | 'image' | 'drawing'>;

/**
 * @param text - the link of a drawing, or what stands behind its `#`
 * @param name - of the creature, where the link has none
 * @throws RuleError when it is of no drawing, or of one that cannot be read or grown
 */
export function readDrawing(text: string, name: string): Drawn {
  const link = parsePackedLink(text.slice(text.indexOf('#') + 1));
  if (link === null) throw new RuleError('--drawing is not the link of a drawing: #draw=…');
  const drawn = { drawing: link.packed, title: link.name || name };
  try {
    drawnPicture(drawn);
  } catch (error) {
    if (!(error instanceof DrawingError)) throw error;
    throw new RuleError(`--drawing: ${error.message}`);
  }
  return drawn;
}

/** @returns what `readDrawing` reads, as a word of a command */
export const drawingFlag = ({ drawing, title }: Drawn): string =>
  formatPackedLink({ packed: drawing, name: title });

/** @returns the one flag that names the picture, and its value, quoted for a shell */
export function pictureFlag({ sprite, image = '', drawing }: PictureSource): Record<string, string> {
  if (drawing !== undefined) return { drawing: `'${drawingFlag(drawing)}'` };
  return sprite === undefined ? { image } : { sprite };
}

/** @returns what a rule's metadata says of its picture: the drawing itself, the sprite, or the name of the file */
export function pictureMetadata({ sprite, image = '', drawing }: PictureSource): Record<string, string> {
  if (drawing !== undefined) return { ...drawing };
  return sprite === undefined ? { image: basename(image) } : { sprite };
}
