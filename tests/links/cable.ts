/** A way to a server of this machine that can be cut, or slow: nothing says so to either end. */
import { connect, createServer, type Server, type Socket } from 'node:net';

export class Cable {
  readonly port: number;
  readonly #far: number;
  readonly #server: Server;
  readonly #ends = new Set<Socket>();
  #isCut = false;
  /** What passes when the cable is no longer held; null: it is not. */
  #held: (() => void)[] | null = null;

  private constructor(server: Server, far: number) {
    this.#server = server;
    this.#far = far;
    this.port = (server.address() as { port: number }).port;
  }

  static async lay(port: number): Promise<Cable> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const cable = new Cable(server, port);
    server.on('connection', (near) => cable.#join(near));
    return cable;
  }

  /** The URL of the server, by this way. */
  to(url: string): string {
    const there = new URL(url);
    there.port = String(this.port);
    return there.href;
  }

  #join(near: Socket): void {
    const far = connect(this.#far, '127.0.0.1');
    for (const [from, to] of [
      [near, far],
      [far, near],
    ]) {
      this.#ends.add(from);
      from.on('data', (bytes) => this.#pass(() => to.write(bytes)));
      from.on('error', () => {});
      from.on('close', () => {
        this.#ends.delete(from);
        this.#pass(() => to.destroySoon());
      });
    }
  }

  #pass(what: () => void): void {
    if (this.#held !== null) this.#held.push(what);
    else if (!this.#isCut) what();
  }

  /** What is sent arrives nowhere. */
  cut(): void {
    this.#isCut = true;
  }

  /** New connections work again. */
  mend(): void {
    this.#isCut = false;
    for (const end of this.#ends) end.destroy();
  }

  /** What is sent arrives when `release` is called, all at once. */
  hold(): void {
    this.#held ??= [];
  }

  release(): void {
    const held = this.#held ?? [];
    this.#held = null;
    for (const pass of held) pass();
  }

  async remove(): Promise<void> {
    for (const end of this.#ends) end.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
