/** What a world tells of itself. Nobody hears of it until a function is set. */
import type { WorldLink } from '../world/messages.ts';

export abstract class LinkEvents {
  onFrame: WorldLink['onFrame'] = () => {};
  onStats: WorldLink['onStats'] = () => {};
  onVitals: WorldLink['onVitals'] = () => {};
  onSpecies: WorldLink['onSpecies'] = () => {};
  onSwap: WorldLink['onSwap'] = () => {};
  onWounds: WorldLink['onWounds'] = () => {};
  onWilted: WorldLink['onWilted'] = () => {};
  onTrouble: WorldLink['onTrouble'] = () => {};
  onSeeds: WorldLink['onSeeds'] = () => {};
}
