/** Reports a run's progress: one line that is redrawn on a terminal, a line every few seconds elsewhere. */
import type { Progress } from './train.ts';

const BAR_CELLS = 24;
const TERMINAL_MS = 100;
const LOG_MS = 10_000;

export class ProgressLine {
  readonly #out: NodeJS.WriteStream;
  readonly #started = performance.now();
  #last = Number.NEGATIVE_INFINITY;
  #phaseStarted = performance.now();
  #phase = '';
  #phaseDone = 0;

  constructor(out: NodeJS.WriteStream = process.stderr) {
    this.#out = out;
  }

  update(progress: Progress): void {
    const now = performance.now();
    if (progress.phase !== this.#phase) {
      this.#phase = progress.phase;
      this.#phaseStarted = now;
      this.#phaseDone = progress.done;
    }
    if (now - this.#last < (this.#out.isTTY ? TERMINAL_MS : LOG_MS)) return;
    this.#last = now;
    const perIterationMs = (now - this.#phaseStarted) / Math.max(1, progress.done - this.#phaseDone);
    const line = describe(progress, perIterationMs);
    this.#out.write(this.#out.isTTY ? `\r\x1b[2K${line}` : `${clock(now - this.#started)} ${line}\n`);
  }

  /** Leaves the line as it is. */
  end(): void {
    if (this.#out.isTTY) this.#out.write('\n');
  }
}

export function describe(progress: Progress, perIterationMs: number): string {
  const { phase, done, planned, smoothedLoss, difficulty, steps, rollbacks } = progress;
  const part = phase === 'curriculum' ? difficulty : done / planned;
  const filled = Math.round(part * BAR_CELLS);
  const bar = '█'.repeat(filled) + '░'.repeat(BAR_CELLS - filled);
  const parts = [
    `${phase} ${bar}`,
    phase === 'curriculum' ? `${done}` : `${done}/${planned}`,
    `loss ${smoothedLoss.toExponential(2)}`,
    `difficulty ${Math.round(difficulty * 100)} %`,
    `${steps} steps`,
    `${perIterationMs.toFixed(0)} ms`,
  ];
  // The curriculum's length is not known: it advances when the loss passes.
  if (phase === 'pool') parts.push(`ETA ${clock((planned - done) * perIterationMs)}`);
  if (rollbacks > 0) parts.push(`${rollbacks} rollbacks`);
  return parts.join('  ');
}

export function clock(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const minutes = Math.floor(seconds / 60);
  const two = (value: number): string => String(value).padStart(2, '0');
  return minutes < 60
    ? `${minutes}:${two(seconds % 60)}`
    : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}`;
}
