/** What an admin sees of the tuner. */
import type { TunerView } from '../../shared/adminApi.ts';
import type { TuningProcess } from './tuningProcess.ts';

/** Past attempts that are shown. */
const MAX_SHOWN = 20;

interface Seen extends Pick<TunerView, 'mode' | 'gathering' | 'attempts' | 'pauseMs' | 'notes'> {
  readonly running: TuningProcess | null;
  /** The process of the job that runs or is paused. */
  readonly shown: TuningProcess | null;
  /** The running process, or the last one. */
  readonly last: TuningProcess | null;
  /** Names of the jobs. */
  readonly names: readonly string[];
  /** Somebody plays, or something else trains. */
  readonly isHeld: boolean;
}

export const viewOf = (seen: Seen): TunerView => ({
  mode: seen.mode,
  state: stateOf(seen),
  gathering: seen.gathering,
  job: jobOf(seen.shown),
  // The last job's curves stay until another job begins: an admin may look later.
  losses: seen.last?.losses.points ?? [],
  spotChecks: seen.last?.spotChecks.points ?? [],
  queue: seen.names.filter((name) => name !== seen.shown?.name),
  attempts: seen.attempts.slice(0, MAX_SHOWN),
  pauseMs: seen.pauseMs,
  notes: seen.notes,
});

function stateOf({ mode, running, names, isHeld }: Seen): TunerView['state'] {
  if (mode === 'off') return 'off';
  if (running !== null) return running.stage;
  if (names.length === 0) return 'idle';
  return isHeld ? 'paused' : 'waiting';
}

function jobOf(shown: TuningProcess | null): TunerView['job'] {
  if (shown === null) return null;
  const { job, progress } = shown;
  return {
    species: job.species,
    session: job.session,
    wounds: job.wounds.trained.length,
    heldOut: job.wounds.heldOut.length,
    incumbent: job.incumbent?.label ?? '',
    done: progress?.done ?? 0,
    planned: progress?.planned ?? job.options.iterations,
    loss: progress?.loss ?? null,
    seconds: progress?.seconds ?? 0,
    aim: progress?.aim ?? '',
    because: progress?.because ?? '',
    rounds: progress?.rounds ?? [],
  };
}
