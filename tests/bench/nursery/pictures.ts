/** The drawings that the benches of the nursery learn: PNGs of a folder, and the first five starters. */
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { RuleError } from '../../../server/rules/rule.ts';
import { readPixels } from '../../../server/training/target.ts';
import type { Drawing } from '../../../shared/drawing/drawing.ts';
import { STARTERS } from '../../../shared/starters/starters.ts';

const STARTERS_TRIED = 5;

export interface Picture {
  readonly name: string;
  readonly drawing: Drawing;
  readonly isStarter: boolean;
}

/**
 * @param folder - of PNGs; undefined: only starters
 * @param only - names, between commas; undefined: all
 * @throws RuleError when no picture is left, or one cannot be read
 */
export function readPictures(folder: string | undefined, only: string | undefined): Picture[] {
  const names = only?.split(',');
  const starters = STARTERS.slice(0, STARTERS_TRIED).map(({ name, drawing }) => ({
    name: name.toLowerCase(),
    drawing,
    isStarter: true,
  }));
  const pictures = [...(folder === undefined ? [] : drawnIn(folder)), ...starters].filter(
    ({ name }) => names?.includes(name) ?? true,
  );
  if (pictures.length === 0) throw new RuleError(`no drawing is named ${only}`);
  return pictures;
}

function drawnIn(folder: string): Picture[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.png'))
    .sort()
    .map((file) => {
      const { width, height, rgba } = readPixels({ image: join(folder, file) });
      return { name: basename(file, '.png'), drawing: { width, height, rgba }, isStarter: false };
    });
}
