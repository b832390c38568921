import type { Engine } from '../../server/engines/engine.ts';
import { createReferenceEngine } from '../../server/engines/reference.ts';
import { createWasmEngine } from '../../server/engines/wasm/engine.ts';
import { Publisher } from '../../server/stream/publish/publisher.ts';
import type { PublishedFrame } from '../../server/stream/published.ts';
import type { FromWorld, WorldQuery } from '../../server/world/messages.ts';
import type { WorldState } from '../../server/world/oldSave.ts';
import type { Clock } from '../../server/world/recorder.ts';
import { Simulation } from '../../server/world/simulation.ts';
import { FRAME_HEADER_BYTES, writeFrameHeader } from '../../shared/frame.ts';
import { FakeJournal } from './fakeJournal.ts';
import { makeWorld } from './makeWorld.ts';
import { wholeOf } from './wholeWorld.ts';

/** Time passes only while the loop sleeps, or as far as a test advances it. */
class FakeClock implements Clock {
  nowMs = 0;
  /** Called before every sleep; tests act here, between two frames. */
  beforeSleep: () => void | Promise<void> = () => {};

  now(): number {
    return this.nowMs;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    await this.beforeSleep();
    // As a timer does: work that is ready goes first.
    await new Promise(setImmediate);
    if (!signal?.aborted) this.nowMs += ms;
  }
}

interface Setup {
  readonly stepsPerSecond?: number;
  readonly framesPerSecond?: number;
  /** Milliseconds that one step takes. */
  readonly stepMs?: number;
  readonly write?: (state: WorldState, segment: number, isLast: boolean) => Promise<void>;
  readonly saveSeconds?: number;
  readonly journal?: FakeJournal;
  /** false: steps are counted but not taken. */
  readonly lives?: boolean;
  /** Default: nobody sleeps. */
  readonly sleepSeconds?: number;
}

export async function makeSimulation(setup: Setup = {}) {
  const create = setup.lives ? createWasmEngine : createReferenceEngine;
  const { world, engine } = await makeWorld(128, 64, ['blob'], create, {
    plantsPerGuest: 10_000,
    plantsPerAddress: 10_000,
    witherHours: 0,
    sleepSeconds: setup.sleepSeconds,
  });
  const clock = new FakeClock();
  const counted = { steps: 0, batches: [] as number[] };
  const step = engine.step.bind(engine);
  (engine as { step: Engine['step'] }).step = async (steps) => {
    counted.steps += steps;
    counted.batches.push(steps);
    clock.nowMs += steps * (setup.stepMs ?? 0);
    if (setup.lives) await step(steps);
  };
  if (!setup.lives) (engine as { visitChanged: Engine['visitChanged'] }).visitChanged = async () => {};
  const posted: FromWorld[] = [];
  const saved: WorldState[] = [];
  const journal = setup.journal ?? new FakeJournal();
  const simulation = new Simulation({
    world,
    clock,
    publisher: new Publisher({ world: engine, epsilon: 0 }),
    stepsPerSecond: setup.stepsPerSecond ?? 30,
    framesPerSecond: setup.framesPerSecond ?? 20,
    saveSeconds: setup.saveSeconds ?? 60,
    store: {
      canKeep: () => false,
      async write(save, { isLast = false, ready = async () => {} } = {}) {
        const state = await wholeOf(save);
        await setup.write?.(state, save.moment().segment, isLast);
        if (journal.isQuick) await ready();
        saved.push(state);
      },
    },
    journal,
    post: (message) => posted.push(message),
  });
  /** Runs until the clock reaches this time. */
  const runUntil = async (untilMs: number, act: (nowMs: number) => unknown = () => {}): Promise<void> => {
    clock.beforeSleep = async () => {
      await act(clock.nowMs);
      if (clock.nowMs >= untilMs) simulation.receive({ type: 'stop' });
    };
    await simulation.run();
  };
  const ask = (request: number, query: WorldQuery): void =>
    simulation.receive({ type: 'query', request, query });
  return { world, engine, clock, simulation, journal, posted, saved, counted, runUntil, ask };
}

export const ofType = <T extends FromWorld['type']>(
  posted: FromWorld[],
  type: T,
): Extract<FromWorld, { type: T }>[] =>
  posted.filter((message) => message.type === type) as Extract<FromWorld, { type: T }>[];

/** A published frame as a client is sent it that watches all of its pages. */
export function wholeFrame({ frame, step, updates, bytes }: PublishedFrame): Uint8Array {
  const whole = new Uint8Array(FRAME_HEADER_BYTES + bytes.length);
  writeFrameHeader(new DataView(whole.buffer), 0, frame, step, updates.length);
  whole.set(bytes, FRAME_HEADER_BYTES);
  return whole;
}
