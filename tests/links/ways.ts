/** Ways between a world and its relays, within this process. */
import { type HubTransport, RelayHandlers, type RelayTransport } from '../../server/links/transport.ts';

/** A way to several relays that tests can cut, and hold up in one direction. */
export class Ways implements HubTransport {
  readonly maxBytes = 1024 * 1024;
  onMessage: HubTransport['onMessage'] = () => {};
  onGone: HubTransport['onGone'] = () => {};
  readonly relays = new Map<string, Way>();

  way(name: string): Way {
    const way = new Way((message) => this.onMessage(name, message));
    this.relays.set(name, way);
    return way;
  }

  broadcast(message: Uint8Array): void {
    for (const way of this.relays.values()) way.bring(message);
  }
  send(relay: string, letter: readonly Uint8Array[]): void {
    for (const part of letter) this.relays.get(relay)?.bring(part);
  }
  drop(): void {}
  async close(): Promise<void> {}
}

export class Way extends RelayHandlers implements RelayTransport {
  readonly maxBytes = 1024 * 1024;
  isCut = false;
  readonly #up: (message: Buffer) => void;

  constructor(up: (message: Buffer) => void) {
    super();
    this.#up = up;
  }

  send(letter: readonly Uint8Array[]): void {
    if (!this.isCut) for (const part of letter) this.#up(Buffer.from(part));
  }
  bring(message: Uint8Array): void {
    if (!this.isCut) this.onMessage(Buffer.from(message));
  }
  async close(): Promise<void> {}
}
