/** What an admin may do. */
import type { Config } from '../config.ts';
import type { WorldLink } from '../world/messages.ts';
import { makeProber } from './prober.ts';
import { SwapDesk } from './swapDesk.ts';

/** Whoever is in the world, as far as an admin has to do with them. */
export interface Audience {
  announce(text: string): void;
}

export class Admin {
  readonly desk: SwapDesk;
  #audience: Audience | null = null;

  constructor(world: WorldLink, config: Config) {
    this.desk = new SwapDesk({
      world,
      dataDir: config.dataDir,
      probe: makeProber(config),
      announce: (text) => this.#audience?.announce(text),
      complain: (text) => console.error(text),
    });
    world.onSwap = (outcome) => this.desk.settle(outcome);
  }

  /** The room is open: from now on there is somebody to tell. */
  attend(audience: Audience): void {
    this.#audience = audience;
  }

  dispose(): void {
    this.desk.dispose();
  }
}
