/** Viewers that only look, in their own process; each remembers when each frame came. */
import type { Size } from '../../../shared/geometry.ts';
import { answer, nowMs } from '../fanout/messages.ts';
import { LoadClient } from '../load/client.ts';

export interface Gaps {
  /** Between two frames of one viewer, less what frames without news in between take. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly worstMs: number;
  readonly frames: number;
}

export interface ViewerCalls {
  join: { ask: { url: string; world: Size; viewers: number }; answer: null };
  /** Forgets what came so far. */
  begin: { ask: null; answer: null };
  end: { ask: { framesPerSecond: number }; answer: Gaps };
}

interface Arrival {
  readonly frame: number;
  readonly atMs: number;
}

const clients: LoadClient[] = [];
let arrivals: Arrival[][] = [];

answer<ViewerCalls>({
  async join({ url, world, viewers }) {
    for (let index = 0; index < viewers; index++) {
      const middle = { x: world.width / 2, y: world.height / 2 };
      const client = new LoadClient(index, world, false, middle, ({ index: of }, _bytes, frame) => {
        if (frame > 0) arrivals[of]?.push({ frame, atMs: nowMs() });
      });
      clients.push(client);
      await client.join(url);
    }
    return null;
  },
  begin() {
    arrivals = clients.map(() => []);
    return null;
  },
  end({ framesPerSecond }) {
    const gaps: number[] = [];
    for (const of of arrivals) {
      for (let i = 1; i < of.length; i++) {
        const silent = of[i].frame - of[i - 1].frame - 1;
        if (silent < 0) throw new Error(`frame ${of[i].frame} came after ${of[i - 1].frame}`);
        gaps.push(of[i].atMs - of[i - 1].atMs - (silent * 1_000) / framesPerSecond);
      }
    }
    gaps.sort((a, b) => a - b);
    const at = (share: number): number => gaps[Math.floor((gaps.length - 1) * share)];
    return { p50Ms: at(0.5), p99Ms: at(0.99), worstMs: at(1), frames: gaps.length };
  },
});
