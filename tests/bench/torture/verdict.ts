/** Whether what was acknowledged is in the world that a kill has left. Pure. */
import type { Acknowledged } from './play.ts';
import type { Evidence, Recovered } from './recover.ts';

type World = Pick<Recovered, 'organisms' | 'died' | 'watched' | 'registry' | 'sanctions'>;

/**
 * @param evidence - the journal of the whole time in which it was acknowledged
 * @param firstStep - of the world when that time began
 * @returns a line for each that is lost
 */
export function lostOf(
  acknowledged: readonly Acknowledged[],
  world: World,
  evidence: Evidence,
  firstStep: number,
): string[] {
  const faults = acknowledged.flatMap((act) => {
    const fault = faultOf(act, world, evidence);
    return fault === null ? [] : [`${JSON.stringify(act)}: ${fault}`];
  });
  const sown = acknowledged.reduce((sum, act) => sum + (act.kind === 'garden' ? act.organisms : 0), 0);
  const found = new Set(
    [...evidence.planted.values()]
      .filter(({ planter, plantedStep }) => planter === '' && plantedStep >= firstStep)
      // Those that grow again were sown before.
      .filter(({ plantedSeconds, bornSeconds = plantedSeconds }) => bornSeconds === plantedSeconds)
      .map(({ id, plantedStep }) => `${id} ${plantedStep}`),
  ).size;
  return found >= sown ? faults : [...faults, `gardens of ${sown} organisms: the journal has ${found}`];
}

function faultOf(
  act: Acknowledged,
  { organisms, died, watched, registry, sanctions }: World,
  evidence: Evidence,
): string | null {
  switch (act.kind) {
    case 'plant': {
      const record = evidence.planted.get(`${act.x} ${act.y} ${act.step}`);
      if (record === undefined) return 'the journal does not have it';
      const lives = organisms.get(record.id)?.planter === record.planter;
      const isDead = evidence.gone.has(record.id) || died.has(record.id);
      return lives || isDead ? null : `organism ${record.id} is gone without a word`;
    }
    case 'ablate':
    case 'noise':
    case 'truncate':
      return evidence.perturbations.has(`${act.kind} ${act.radius} ${act.step}`)
        ? null
        : 'the journal does not have it';
    case 'clear':
      return evidence.radii.has(`ablate ${act.radius}`) ? null : 'the journal does not have it';
    case 'garden':
      return null;
    case 'swap': {
      const isWatched = watched.includes(act.swap);
      const outcome = evidence.outcomes.get(act.swap)?.verdict;
      const status = registry.get(act.swap);
      if (!evidence.watched.has(act.swap)) return 'the journal does not have it';
      if (!isWatched && outcome === undefined) return 'the world neither watches it nor knows its outcome';
      const expected = isWatched ? 'watched' : outcome;
      return status === expected ? null : `the world says ${expected}, the registry ${status}`;
    }
    case 'removal': {
      const one = organisms.get(act.organism);
      const isGone = one === undefined || evidence.gone.has(act.organism);
      return isGone || one.absence === 'removed' ? null : `organism ${act.organism} is there`;
    }
    case 'sanction':
      return sanctions.has(act.sanction) ? null : 'the registry does not have it';
    case 'lifted':
      return sanctions.has(act.sanction) ? 'the registry has it' : null;
    default:
      return act satisfies never;
  }
}
