/** What is told of organisms: to players who inspect one, to `/api/organisms`, and to a new client. */
import type { Size } from '../../shared/geometry.ts';
import { stepsBetween } from '../../shared/numbers.ts';
import type { Inspection, OrganismSummary, OrganismsQuery } from './messages.ts';
import { type Organism, toHundredths } from './organism.ts';
import type { Organisms } from './organisms.ts';
import type { RuleSlots } from './ruleSlots.ts';

/** The time at which an organism is looked at. */
export interface Moment {
  readonly stepNumber: number;
  /** World time. */
  readonly runSeconds: number;
  /** Between two samples of health. */
  readonly sampleSeconds: number;
}

/** The organisms that are asked for. */
export function found(
  organisms: Organisms,
  { limit = Number.POSITIVE_INFINITY, after, species, near }: OrganismsQuery,
): Organism[] {
  if (near !== undefined) return organisms.nearest(near.x, near.y, limit);
  const wanted: Organism[] = [];
  for (const one of after === undefined && limit >= organisms.size
    ? organisms
    : organisms.above(after ?? 0)) {
    if (wanted.length >= limit) break;
    if (species === undefined || one.species === species) wanted.push(one);
  }
  return wanted;
}

export function summaryOf(
  organism: Organism,
  isAsleep: boolean,
  { stepNumber, runSeconds }: Pick<Moment, 'stepNumber' | 'runSeconds'>,
): OrganismSummary {
  const { id, species, x, y, health, cells, planter, plantedStep, absence, dueSeconds } = organism;
  const ageSteps = stepsBetween(plantedStep, stepNumber);
  return {
    id,
    species,
    x,
    y,
    ageSteps,
    health: toHundredths(health),
    cells,
    planter,
    ...(isAsleep && { isAsleep }),
    ...(absence !== null && { absence }),
    ...(dueSeconds !== null && { waitSeconds: waitOf(dueSeconds, runSeconds) }),
  };
}

export function inspectionOf(
  organism: Organism,
  slots: RuleSlots,
  isAsleep: boolean,
  { stepNumber, runSeconds, sampleSeconds }: Moment,
  lonely: Inspection['lonely'],
): Inspection {
  const { id, species, x, y, cells, planter, absence, dueSeconds } = organism;
  return {
    id,
    species,
    x,
    y,
    age: stepsBetween(organism.plantedStep, stepNumber),
    ageSeconds: Math.max(0, runSeconds - organism.plantedSeconds),
    sinceSeconds: Math.max(0, runSeconds - organism.bornSeconds),
    health: toHundredths(organism.health),
    cells,
    planter,
    guest: organism.guest,
    history: organism.history.list(),
    historySeconds: sampleSeconds,
    rule: slots.at(organism.slot).label,
    marks: organism.marks.map(({ atSeconds, label }) => ({ agoSeconds: runSeconds - atSeconds, label })),
    absence,
    isAsleep,
    waitSeconds: dueSeconds === null ? null : waitOf(dueSeconds, runSeconds),
    lonely,
  };
}

const waitOf = (dueSeconds: number, runSeconds: number): number =>
  Math.max(0, toHundredths(dueSeconds - runSeconds));

/** Where a new client looks first: the organism nearest the middle that has a body, a pikachu if there is one. */
export function startOf(
  organisms: Iterable<Organism>,
  world: Size,
): { readonly x: number; readonly y: number } {
  const middle = { x: world.width / 2, y: world.height / 2 };
  const all = [...organisms].filter(({ absence }) => absence === null);
  const pikachus = all.filter(({ species }) => species === 'pikachu');
  const distance = ({ x, y }: Organism): number => Math.hypot(x - middle.x, y - middle.y);
  const [first] = (pikachus.length > 0 ? pikachus : all).sort((a, b) => distance(a) - distance(b));
  return first === undefined ? middle : { x: first.x, y: first.y };
}
