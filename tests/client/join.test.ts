import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Signal } from '../../client/events.ts';
import { Join } from '../../client/join.ts';
import type { Connection } from '../../client/net/connection.ts';
import type { Address } from '../../client/scene/address.ts';
import type { Camera } from '../../client/scene/camera.ts';
import type { Stage } from '../../client/scene/stage.ts';
import type { Viewpoint } from '../../client/scene/viewpoint.ts';
import { Pyramid } from '../../client/stream/pyramid.ts';
import type { HelloMessage } from '../../shared/protocol.ts';

const made = vi.hoisted(() => ({
  decoders: [] as import('./fakeDecoder.ts').FakeDecoder[],
  /** What `WorldView.create` answers. */
  view: null as unknown as Promise<unknown>,
}));

vi.mock('../../client/stream/decoder.ts', async () => {
  const { FakeDecoder } = await import('./fakeDecoder.ts');
  return {
    Decoder: class extends FakeDecoder {
      constructor() {
        super();
        made.decoders.push(this);
      }
    },
  };
});
vi.mock('../../client/scene/worldView.ts', () => ({ WorldView: { create: () => made.view } }));
vi.mock('../../client/scene/minimap.ts', () => ({ Minimap: class {} }));

const hello = { width: 256, height: 256, start: { x: 10, y: 20 } } as unknown as HelloMessage;
const pages = { left: 0, top: 0, right: 1, bottom: 1 };
const view = { isSoftware: true, pages, cellAt: () => [1, 2, 3, 4] };
const camera: Camera = { x: 5, y: 6, zoom: 7 };
const rect = { x: 0, y: 0, width: 100, height: 50 };

class FakeConnection {
  readonly hello = new Signal<[HelloMessage]>();
  readonly frame = new Signal<[Uint8Array<ArrayBuffer>]>();
  readonly acknowledge = vi.fn();
  readonly askKeyframes = vi.fn();
  readonly abandon = vi.fn();
  readonly look = vi.fn();
  readonly dispose = vi.fn();
}

class FakeViewpoint {
  readonly moved = new Signal<[Camera]>();
  readonly camera = camera;
  /** Null until the stage is opened. */
  visible: typeof rect | null = null;
  level = 0;
}

class FakeStage {
  minimap: unknown = null;
  readonly open = vi.fn(() => {
    this.#viewpoint.visible = rect;
    this.#viewpoint.moved.emit(camera);
  });
  readonly invalidate = vi.fn();
  readonly shine = vi.fn();
  readonly #viewpoint: FakeViewpoint;

  constructor(viewpoint: FakeViewpoint) {
    this.#viewpoint = viewpoint;
  }
}

function setUp() {
  const connection = new FakeConnection();
  const viewpoint = new FakeViewpoint();
  const stage = new FakeStage(viewpoint);
  const address = { read: () => camera, show: vi.fn() };
  const join = new Join({
    connection: connection as unknown as Connection,
    stage: stage as unknown as Stage,
    viewpoint: viewpoint as unknown as Viewpoint,
    address: address as unknown as Address,
    canvas: {} as HTMLCanvasElement,
    minimap: {} as HTMLElement,
  });
  /** What it has told, in order. */
  const told: string[] = [];
  for (const name of ['met', 'opened', 'resumed', 'failed'] as const) join[name].on(() => told.push(name));
  return { connection, stage, viewpoint, address, join, told };
}

/** Lets promises that are settled be noticed. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const reload = vi.fn();
beforeEach(() => {
  made.decoders.length = 0;
  made.view = Promise.resolve(view);
  vi.stubGlobal('location', { reload });
  vi.stubGlobal('document', { documentElement: { toggleAttribute: vi.fn() } });
});
afterEach(() => {
  reload.mockReset();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

async function joined() {
  const parts = setUp();
  parts.connection.hello.emit(hello);
  await settle();
  return { ...parts, decoder: made.decoders[0] };
}

describe('the first hello', () => {
  test('begins an epoch, makes a view, and looks where the address says', async () => {
    const { connection, stage, address, join, told, decoder } = await joined();
    expect(told).toEqual(['met', 'opened']);
    expect(join.hello).toBe(hello);
    expect(decoder.joins).toBe(1);
    expect(stage.open).toHaveBeenCalledWith(hello, hello.start, view, camera);
    expect(address.show).toHaveBeenCalledWith(camera);
    expect(connection.look).toHaveBeenCalledWith(rect, 0);
    expect(decoder.look).toHaveBeenCalledWith(0, pages);
  });

  test('is ready when the first pages have come, and not before', async () => {
    const { join, stage, decoder } = await joined();
    expect(join.isReady).toBe(false);
    decoder.arrived.emit();
    expect(join.isReady).toBe(true);
    expect(stage.invalidate).toHaveBeenCalled();
  });

  test('before it, nothing is drawn and frames go nowhere', () => {
    const { connection, join } = setUp();
    connection.frame.emit(new Uint8Array(1));
    expect(join.cellAt(1, 1)).toEqual([0, 0, 0, 0]);
    expect(join.decoded).toEqual({ frames: 0, ms: 0 });
    expect(join.isReady).toBe(false);
    expect(made.decoders).toEqual([]);
  });

  test('in a browser that cannot draw, the connection and the decoder are closed', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {});
    made.view = Promise.reject(new Error('no WebGL 2'));
    const { connection, told, decoder } = await joined();
    expect(told).toEqual(['met', 'failed']);
    expect(connection.dispose).toHaveBeenCalledOnce();
    expect(decoder.dispose).toHaveBeenCalledOnce();
  });
});

describe('a later hello', () => {
  test('begins a new epoch of the same decoder, and says again what is in view', async () => {
    const { connection, stage, told, decoder } = await joined();
    connection.hello.emit(hello);
    await settle();
    expect(told).toEqual(['met', 'opened', 'met', 'resumed']);
    expect(made.decoders).toHaveLength(1);
    expect(decoder.joins).toBe(2);
    expect(stage.open).toHaveBeenCalledOnce();
    expect(connection.look).toHaveBeenCalledTimes(2);
  });

  test('that comes while the view is being made waits with the viewport until it is there', async () => {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    made.view = promise;
    const { connection, told, decoder } = await joined();
    connection.hello.emit(hello);
    expect(decoder.joins).toBe(2);
    expect(connection.look).not.toHaveBeenCalled();
    resolve(view);
    await settle();
    expect(told).toEqual(['met', 'met', 'resumed', 'opened']);
    expect(connection.look).toHaveBeenCalledExactlyOnceWith(rect, 0);
  });

  test('from a server with a world of another size reloads the page and is told to nobody', async () => {
    const { connection, told, decoder } = await joined();
    connection.hello.emit({ ...hello, height: 320 });
    expect(reload).toHaveBeenCalledOnce();
    expect(told).toEqual(['met', 'opened']);
    expect(decoder.joins).toBe(1);
  });
});

describe('what the decoder reports', () => {
  test('a decoded frame is acknowledged', async () => {
    const { connection, decoder } = await joined();
    decoder.decoded.emit(7);
    expect(connection.acknowledge).toHaveBeenCalledWith(7);
  });

  test('gaps of the level in view are asked for by their index in it; those of other levels are not', async () => {
    const { connection, viewpoint, decoder } = await joined();
    const pyramid = new Pyramid(hello);
    viewpoint.level = 1;
    decoder.gaps.emit([pyramid.key(0, 1, 1), pyramid.key(1, 1, 0), pyramid.key(1, 1, 1)]);
    expect(connection.askKeyframes).toHaveBeenCalledWith(1, [1, 3]);
  });

  test('a decoder that fails costs the connection, not the page', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {});
    const { connection, told, decoder } = await joined();
    decoder.failed.emit('it cannot be loaded');
    expect(connection.abandon).toHaveBeenCalledWith('The pixels from the server could not be decoded.');
    expect(told).toEqual(['met', 'opened']);
  });
});
