/** The nursery in words. */
import type { LearningView, NurseryView, OwnDrawing } from '../../shared/nursery.ts';

/** "about 3 min", "less than a minute", "about 2 h" */
export function aboutTime(seconds: number | null): string {
  if (seconds === null || !Number.isFinite(seconds)) return 'a while';
  if (seconds < 60) return 'less than a minute';
  if (seconds < 5_400) return `about ${Math.round(seconds / 60)} min`;
  return `about ${Math.round(seconds / 3_600)} h`;
}

export function stageText({ stage, iterations, secondsLeft }: LearningView): string {
  switch (stage) {
    case 'starting':
      return 'Learning begins…';
    case 'learning':
      return `Lesson ${iterations}: ${aboutTime(secondsLeft)} left`;
    case 'judging':
      return 'The exam: sixteen bodies grow old and are torn in ten ways';
    case 'planting':
      return 'The exam is over. The world takes it in…';
    default:
      return stage satisfies never;
  }
}

/** A drawing of one's own with the times that the page shows of all: those that came with it are of its last change. */
export function withTimes(own: OwnDrawing, { learning, queue }: NurseryView): OwnDrawing {
  const place = queue.findIndex(({ id }) => id === own.id);
  if (own.state === 'queued' && place >= 0)
    return { ...own, before: place, waitSeconds: queue[place].waitSeconds };
  if (own.state === 'learning' && learning?.id === own.id)
    return { ...own, waitSeconds: learning.secondsLeft };
  return own;
}

export function ownText({ state, reason, before, waitSeconds }: OwnDrawing): string {
  switch (state) {
    case 'waiting':
      return 'A moderator looks at it first.';
    case 'queued':
      return before === 0
        ? `It is next: ${aboutTime(waitSeconds)} until it can be planted.`
        : `${before} before it: ${aboutTime(waitSeconds)}.`;
    case 'learning':
      return waitSeconds === null
        ? 'It is being learned now.'
        : `It is being learned: ${aboutTime(waitSeconds)} left.`;
    case 'ready':
      return reason === '' ? 'It has passed: plant it!' : `Plant it! It is not perfect: ${reason}.`;
    case 'refused':
      return reason === '' ? 'It was refused.' : reason;
    case 'withdrawn':
      return 'You have taken it back.';
    case 'withered':
      return reason === '' ? 'It has withered.' : `It has withered. ${reason}`;
    case 'removed':
      return reason === '' ? 'It was removed.' : reason;
    default:
      return state satisfies never;
  }
}

const KINDS: Readonly<Record<string, string>> = {
  left: 'left half',
  right: 'right half',
  top: 'upper half',
  bottom: 'lower half',
  centre: 'a hole',
  scrub: 'stripes',
  truncate: 'all but the heart',
  noise: 'noise',
};

/** A kind of damage as people call it. */
export const kindText = (kind: string): string => KINDS[kind] ?? kind;
