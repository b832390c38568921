/** A drawing as a picture to learn: what its parts must grow. */
import type { Drawing } from '../../shared/drawing/drawing.ts';
import { pictureToGrow } from '../../shared/drawing/growth.ts';
import { unpackDrawing } from '../../shared/drawing/packed.ts';
import { RuleError } from '../rules/rule.ts';

/** A drawing, as links and a rule's metadata carry it, and its name. */
export interface Drawn {
  readonly drawing: string;
  readonly title: string;
}

/** @throws RuleError when it has no seed; DrawingError when it cannot be unpacked */
export function drawnPicture({ drawing, title }: Drawn): Drawing {
  const picture = pictureToGrow(unpackDrawing(drawing));
  if (picture === null) throw new RuleError(`${title} has no seed`);
  return picture;
}
