/** The address bar as a deep link: read at the start and when it is edited, kept up to date meanwhile. */
import type { Camera } from './camera.ts';
import { formatLink, parseLink } from './deep-link.ts';

/** Browsers allow about 100 changes in 30 s. */
const WRITE_EVERY_MS = 500;

export class Address {
  readonly #abort = new AbortController();
  #pending: Camera | null = null;
  readonly #tick: ReturnType<typeof setInterval>;

  constructor(go: (camera: Camera) => void) {
    window.addEventListener(
      'hashchange',
      () => {
        const camera = parseLink(location.hash);
        if (camera !== null) go(camera);
      },
      { signal: this.#abort.signal },
    );
    this.#tick = setInterval(() => this.#write(), WRITE_EVERY_MS);
  }

  read(): Camera | null {
    return parseLink(location.hash);
  }

  show(camera: Camera): void {
    this.#pending = camera;
  }

  dispose(): void {
    clearInterval(this.#tick);
    this.#abort.abort();
  }

  #write(): void {
    if (this.#pending === null) return;
    const link = formatLink(this.#pending);
    this.#pending = null;
    // replaceState fires no hashchange: what is written here is not read back.
    if (link !== location.hash) history.replaceState(null, '', link);
  }
}
