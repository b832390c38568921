/** Vitals of a world in which all that they count has happened. */
import { NO_DISK, type Vitals } from '../../server/world/vitals.ts';

export const VITALS: Vitals = {
  steps: 90,
  stepsDropped: 2,
  stepsPerSecondSet: 30,
  frames: 60,
  framesDropped: 1,
  frameSeconds: [0.004, 0.02],
  lateSeconds: [0, 0.3],
  energyScale: 0.5,
  strokesWaiting: 4,
  bodies: { awake: 3, asleep: 40, dissolving: 1, waiting: 2 },
  livingCells: 4_000,
  pages: 9,
  rules: [{ species: 'pikachu', label: 'pikachu v4' }],
  swapsWatched: 1,
  disk: { ...NO_DISK, savesWritten: 7, savesFailed: 1, journalWaitingBytes: 12 },
  heapBytes: 1e7,
  busySeconds: 3.5,
};
