/** Fake worlds at the far end of links. */
import { EventEmitter } from 'node:events';
import { duplexPair } from 'node:stream';
import { guestsInMemory } from '../../server/guests/openGuests.ts';
import { Hub, type HubOptions } from '../../server/links/hub.ts';
import { VisitLedger } from '../../server/links/hubPeople.ts';
import { type PipeHub, PipeRelay } from '../../server/links/pipe.ts';
import { linkRelay, type RelayLink } from '../../server/links/relayLink.ts';
import { SharedWorld } from '../../server/links/sharedWorld.ts';
import type { ThreadPort } from '../../server/links/threadLink.ts';
import type { HubTransport } from '../../server/links/transport.ts';
import { plainLog } from '../../server/log/log.ts';
import { Crowd } from '../../server/rooms/crowd.ts';
import { Tally } from '../../server/tally.ts';
import type { FromWorld, ToWorld } from '../../server/world/messages.ts';
import type { FakeWorld } from '../rooms/fakeWorld.ts';

/** A simulation thread that is a fake world: messages are cloned, as between threads. */
export class FakeThread extends EventEmitter implements ThreadPort {
  readonly #world: FakeWorld;

  constructor(world: FakeWorld) {
    super();
    this.#world = world;
    world.onFrame = (frame) => this.#say(frame);
    world.onStats = (stats) => this.#say({ type: 'stats', stats });
    world.onVitals = (vitals) => this.#say({ type: 'vitals', vitals });
    world.onSpecies = (species) => this.#say({ type: 'species', species });
    world.onSwap = (outcome) => this.#say({ type: 'swap', outcome });
    world.onWounds = (events) => this.#say({ type: 'wounds', events });
    world.onWilted = (bodies) => this.#say({ type: 'wilted', bodies });
    world.onSeeds = (seeds) => this.#say({ type: 'seeds', seeds });
    world.onTrouble = (trouble) => this.#say({ type: 'trouble', trouble });
    setImmediate(() => this.#say(world.ready));
  }

  postMessage(message: ToWorld): void {
    const heard = structuredClone(message);
    setImmediate(() => this.#hear(heard));
  }

  async terminate(): Promise<void> {}

  #say(message: FromWorld): void {
    const said = structuredClone(message);
    setImmediate(() => this.emit('message', said));
  }

  #hear(message: ToWorld): void {
    switch (message.type) {
      case 'watch':
        this.#world.watch(message.add, message.remove);
        return;
      case 'keyframes':
        this.#world.requestKeyframes(message.keys);
        return;
      case 'present':
        this.#world.present(message.guests);
        return;
      case 'query': {
        const { request } = message;
        this.#world.ask(message.query).then(
          (value) => this.#say({ type: 'answer', request, value }),
          (error: Error) => this.#say({ type: 'refused', request, message: error.message }),
        );
        return;
      }
      case 'stop':
        this.#say({ type: 'stopped' });
    }
  }
}

/** The process of a world with a hub, without an HTTP server. */
export function hubOf(
  world: FakeWorld,
  transport: HubTransport,
  options: Partial<HubOptions> = {},
): { hub: Hub; crowd: Crowd; shared: SharedWorld; log: string[]; close(): Promise<void> } {
  const shared = new SharedWorld(world);
  const guests = guestsInMemory({ guestsPerAddress: 1_000, energyPerAddress: 1_000 });
  const view = shared.view();
  const crowd = new Crowd({
    world: view,
    guests,
    tally: new Tally(),
    log: plainLog,
    attendance: { join: () => {}, leave: () => {}, stroke: () => {} },
    learned: async () => null,
    nursery: null,
    report: async () => 'Thank you.',
    stepsPerSecond: 30,
    framesPerSecond: 20,
    epsilon: 2,
  });
  view.onStats = (stats) => crowd.publishStats({ ...stats, players: crowd.players.count });
  const log: string[] = [];
  const hub = new Hub({
    world: shared,
    transport,
    crowd,
    visits: new VisitLedger({ perAddress: 1_000, maxVisits: 1_000, seatMs: 5_000 }),
    size: world,
    comes: () => null,
    term: 1,
    title: 'A world',
    framesPerSecond: 20,
    maxPlayers: 1_000,
    seatKey: Buffer.alloc(32, 7),
    admit: (token, address) => guests.admit(token, address),
    forward: async () => ({ status: 404, headers: {}, body: new Uint8Array() }),
    paint: async () => ({ picture: null, health: null }),
    count: () => {},
    log: (line) => log.push(line),
    ...options,
  });
  const close = async (): Promise<void> => {
    await hub.close('the world has stopped');
    crowd.dispose();
  };
  return { hub, crowd, shared, log, close };
}

/** A relay's link over a pipe within this process. */
export function pipedLink(transport: PipeHub, name: string, answerMs?: number): Promise<RelayLink> {
  const [here, there] = duplexPair();
  transport.add(name, here);
  return linkRelay({ transport: new PipeRelay(there), log: () => {}, answerMs });
}

/** Resolves when it is true, which messages on their way decide. @throws Error after the time */
export async function until(what: string, isTrue: () => boolean, limitMs = 30_000): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!isTrue()) {
    if (performance.now() > deadline) throw new Error(`${what}: not within ${limitMs / 1_000} s`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
