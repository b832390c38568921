/** The notice to a player about bodies that have begun to wilt, in their view or planted by them. */
import type { Rect } from '../../shared/geometry.ts';
import { withArticle } from '../../shared/room.ts';
import type { WiltCause } from '../world/symptoms.ts';
import type { WiltedBody } from '../world/wilting.ts';

const CAUSES: Readonly<Record<WiltCause, string>> = {
  'too large': 'has outgrown itself',
  'two bodies': 'has become two bodies',
  'out of shape': 'has lost its shape and does not heal',
  'out of range': 'has burst out of its colours',
};

/**
 * @param bodies - that began to wilt in one frame
 * @param view - the player's viewport, in cells; null: not known yet
 * @param guest - id of the guest who reads it
 * @returns null when no body is in view or planted by this guest
 */
export function wiltNotice(bodies: readonly WiltedBody[], view: Rect | null, guest: string): string | null {
  const concern = bodies.filter((body) => isIn(view, body) || body.guest === guest);
  if (concern.length === 0) return null;
  if (concern.length > 1)
    return `${concern.length} organisms are sick: they wilt and grow again from their seeds.`;
  const [{ species, cause }] = concern;
  const who = withArticle(species);
  return `${who.charAt(0).toUpperCase()}${who.slice(1)} ${CAUSES[cause]}: it wilts and grows again from its seed.`;
}

/** A line for the operator's log. */
export const wiltLine = ({ organism, label, species, x, y, planter, cause }: WiltedBody): string =>
  `organism ${organism}, ${withArticle(species)} by ${label} at (${x}, ${y})` +
  `${planter === '' ? '' : `, planted by ${planter}`}, wilts: ${cause}`;

const isIn = (view: Rect | null, { x, y }: WiltedBody): boolean =>
  view !== null && x >= view.x && y >= view.y && x < view.x + view.width && y < view.y + view.height;
