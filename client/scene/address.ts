/** The camera in the address bar (`#x,y,zoom`): read at the start and when it is edited, written when the camera rests. */
import type { Camera } from './camera.ts';
import { formatLink, parseLink } from './deepLink.ts';

/** Browsers allow about 100 changes in 30 s. */
const CHECK_EVERY_MS = 300;

export class Address {
  readonly #abort = new AbortController();
  /** The fragment as it was read or written last: with another one, somebody has edited the address. */
  #known = location.hash;
  #pending: Camera | null = null;
  /** Whether the camera has moved since the last check. */
  #isMoving = false;
  readonly #tick: ReturnType<typeof setInterval>;

  constructor(go: (camera: Camera) => void) {
    window.addEventListener(
      'hashchange',
      () => {
        this.#known = location.hash;
        const camera = this.read();
        if (camera !== null) go(camera);
      },
      { signal: this.#abort.signal },
    );
    this.#tick = setInterval(() => this.#write(), CHECK_EVERY_MS);
  }

  read(): Camera | null {
    return parseLink(location.hash);
  }

  show(camera: Camera): void {
    this.#pending = camera;
    this.#isMoving = true;
  }

  dispose(): void {
    clearInterval(this.#tick);
    this.#abort.abort();
  }

  #write(): void {
    // Each write makes browsers load the icon and lay out the page again, so nothing is written while the camera moves.
    const isMoving = this.#isMoving;
    this.#isMoving = false;
    if (isMoving || this.#pending === null || this.#isEdited()) return;
    const link = formatLink(this.#pending);
    this.#pending = null;
    // replaceState fires no hashchange, so this is not read back.
    if (link !== location.hash) history.replaceState(null, '', link);
    this.#known = link;
  }

  /** Browsers tell of an edit some time after it: written over meanwhile, a link that somebody follows would be lost. */
  #isEdited(): boolean {
    // Nobody is told when the page itself takes a fragment away.
    return location.hash !== this.#known && location.hash !== '';
  }
}
