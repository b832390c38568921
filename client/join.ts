/**
 * What each `hello` leads to. The first one builds the decoder and the view. Later ones, after a lost connection, go on
 * with them in a new epoch. One from a server with another world reloads the page.
 */
import type { HelloMessage } from '../shared/protocol.ts';
import { Signal } from './events.ts';
import type { Connection } from './net/connection.ts';
import type { Address } from './scene/address.ts';
import { Minimap } from './scene/minimap.ts';
import type { Stage } from './scene/stage.ts';
import type { Viewpoint } from './scene/viewpoint.ts';
import { WorldView } from './scene/worldView.ts';
import { Decoder } from './stream/decoder.ts';
import { Pyramid } from './stream/pyramid.ts';

export interface JoinParts {
  readonly connection: Connection;
  readonly stage: Stage;
  readonly viewpoint: Viewpoint;
  readonly address: Address;
  /** The canvas for the cells. */
  readonly canvas: HTMLCanvasElement;
  /** The element for the minimap. */
  readonly minimap: HTMLElement;
}

export class Join {
  /** Every hello, before the view goes on. */
  readonly met = new Signal<[HelloMessage]>();
  /** The first hello has led to a view. */
  readonly opened = new Signal<[HelloMessage]>();
  /** A later hello has begun a new epoch. */
  readonly resumed = new Signal<[]>();
  /** This browser cannot draw; the connection is closed. */
  readonly failed = new Signal<[]>();
  readonly #parts: JoinParts;
  #hello: HelloMessage | null = null;
  #decoder: Decoder | null = null;
  #view: WorldView | null = null;
  #hasPages = false;

  constructor(parts: JoinParts) {
    this.#parts = parts;
    parts.connection.hello.on((message) => this.#meet(message));
    parts.connection.frame.on((bytes) => this.#decoder?.frame(bytes));
  }

  /** The newest hello. */
  get hello(): HelloMessage | null {
    return this.#hello;
  }

  /** Whether there is a view, and pages to draw in it. */
  get isReady(): boolean {
    return this.#hasPages && this.#view !== null;
  }

  /** Frames decoded since the page was opened, and the worker's time for them. */
  get decoded(): { readonly frames: number; readonly ms: number } {
    return { frames: this.#decoder?.frames ?? 0, ms: this.#decoder?.decodeMs ?? 0 };
  }

  /** @returns the premultiplied RGBA of a cell as drawn; zeros before there is a view */
  cellAt(x: number, y: number): [r: number, g: number, b: number, a: number] {
    return this.#view?.cellAt(x, y) ?? [0, 0, 0, 0];
  }

  askLight(): void {
    this.#decoder?.askLight();
  }

  #meet(message: HelloMessage): void {
    const before = this.#hello;
    // The server has another world now, and nothing that is held fits it.
    if (before !== null && (before.width !== message.width || before.height !== message.height)) {
      location.reload();
      return;
    }
    this.#hello = message;
    this.met.emit(message);
    if (before === null) void this.#open(message).catch((error) => this.#fail(error));
    else this.#resume();
  }

  async #open(message: HelloMessage): Promise<void> {
    const { stage, viewpoint, address, canvas, minimap } = this.#parts;
    const decoder = this.#startDecoder(message);
    const view = await WorldView.create(canvas, decoder, message);
    this.#view = view;
    document.documentElement.toggleAttribute('data-plain', view.isSoftware);
    stage.minimap = new Minimap(minimap, message, (x, y) => viewpoint.look({ ...viewpoint.camera, x, y }));
    viewpoint.moved.on((camera) => {
      address.show(camera);
      this.#look();
    });
    stage.open(message, message.start, view, address.read());
    this.opened.emit(message);
  }

  #startDecoder(world: HelloMessage): Decoder {
    const { connection, stage, viewpoint } = this.#parts;
    const decoder = new Decoder(world);
    const pyramid = new Pyramid(world);
    this.#decoder = decoder;
    decoder.join();
    decoder.decoded.on((frame) => connection.acknowledge(frame));
    decoder.gaps.on((keys) => {
      // The server sends one level at a time. Gaps of other levels are reported again when that level is watched again.
      const wanted = keys.filter((key) => pyramid.levelOf(key) === viewpoint.level);
      connection.askKeyframes(
        viewpoint.level,
        wanted.map((key) => pyramid.indexOf(key)),
      );
    });
    decoder.arrived.on(() => {
      this.#hasPages = true;
      stage.invalidate();
    });
    decoder.light.on((light) => stage.shine(light));
    decoder.failed.on((reason) => {
      console.error(reason);
      connection.abandon('The pixels from the server could not be decoded.');
    });
    return decoder;
  }

  #resume(): void {
    this.#decoder?.join();
    this.resumed.emit();
    this.#look();
  }

  /** Tells the server and the decode worker what is in view. */
  #look(): void {
    const { connection, viewpoint } = this.#parts;
    const { visible, level } = viewpoint;
    if (visible === null) return;
    connection.look(visible, level);
    const pages = this.#view?.pages;
    if (pages) this.#decoder?.look(level, pages);
  }

  #fail(error: unknown): void {
    console.error(error);
    this.#parts.connection.dispose();
    this.#decoder?.dispose();
    this.failed.emit();
  }
}
