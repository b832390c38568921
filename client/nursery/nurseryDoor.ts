/** The way to the nursery's page, which is loaded when it is opened first; and what its guest is told of their drawings. */
import type { DrawingsMessage, OwnDrawing } from '../../shared/nursery.ts';
import type { NurseryHands, NurseryPage } from './nurseryPage.ts';

export class NurseryDoor {
  readonly #hands: NurseryHands;
  #page: Promise<NurseryPage | null> | null = null;
  #own: readonly OwnDrawing[] = [];

  constructor(hands: NurseryHands) {
    this.#hands = hands;
  }

  async open(): Promise<void> {
    this.#page ??= import('./nurseryPage.ts').then(
      (module) => new module.NurseryPage(this.#hands),
      () => null,
    );
    const page = await this.#page;
    if (page === null) {
      // A deployment has replaced the file, or there is no network: the next try may go better.
      this.#page = null;
      this.#hands.failed('The nursery could not be loaded. Reload the page.');
      return;
    }
    page.showOwn(this.#own);
    page.open();
  }

  /** The player's own drawings have changed. */
  learn({ drawings }: DrawingsMessage): void {
    this.#own = drawings;
    void this.#page?.then((page) => page?.showOwn(drawings));
  }
}
