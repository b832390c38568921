/** `npm run train -- …`: trains one rule, with checkpoints, and reports on it. */
import { basename } from 'node:path';
import { EngineError } from '../engines/engine.ts';
import { report } from '../evaluation/report.ts';
import { RULE_SUFFIX, readRule } from '../rules/load.ts';
import { type Rule, RuleError } from '../rules/rule.ts';
import { writeCheckpoint } from '../training/checkpoint.ts';
import { clock, ProgressLine } from '../training/progress.ts';
import type { OpenRollouts } from '../training/rollouts.ts';
import { TrainingError, TrainingRun } from '../training/train.ts';
import { pictureMetadata } from './picture.ts';
import { trainQuickly } from './quick.ts';
import { type Command, HELP, readCommand, type TrainingEngine, trainingCommand } from './trainFlags.ts';

const CHECKPOINT_EVERY_MS = 60_000;
const INTERRUPTED = 130;

function ruleOf(run: TrainingRun, { out, engine }: Command): Rule {
  const { plan, target } = run;
  const { scale, padding } = plan.source;
  return {
    name: plan.name,
    hidden: plan.hidden,
    ...run.weights,
    fireRate: plan.fireRate,
    metadata: {
      trainingCommand: trainingCommand(plan, out, engine),
      randomSeed: String(plan.randomSeed),
      trainingMinutes: (run.elapsedMs / 60_000).toFixed(1),
      targetWidth: String(target.width),
      targetHeight: String(target.height),
      ...pictureMetadata(plan.source),
      scale: String(scale),
      padding: String(padding),
      place: String(plan.placeWeight),
      ...(plan.waveWeight > 0 && { waves: String(plan.waveWeight) }),
      ...(plan.parent === undefined ? {} : parentage(plan.parent)),
    },
  };
}

/** What computes the rollouts: undefined is the default; TensorFlow.js is loaded only when asked for. */
async function opener(engine: TrainingEngine): Promise<OpenRollouts | undefined> {
  if (engine === 'wasm') return undefined;
  const { openTfjs } = await import('../training/tfjs.ts');
  const { open, backend, description } = await openTfjs();
  console.error(`training on ${description}`);
  if (backend === 'wasm' || backend === 'cpu') {
    console.error(
      'this is for trials: --engine wasm takes a thousandth of the time (server/engines/README.md)',
    );
  }
  return open;
}

/** How to make the parent and its parents again: commands, one per line, and their minutes. */
function parentage(file: string): Record<string, string> {
  const { parentCommand, parentMinutes, trainingCommand, trainingMinutes } = readRule(file).metadata;
  const chain = (parts: readonly (string | undefined)[], between: string): string =>
    parts.filter((part) => part !== undefined).join(between);
  return {
    parent: basename(file, RULE_SUFFIX),
    parentCommand: chain([parentCommand, trainingCommand], '\n'),
    parentMinutes: chain([parentMinutes, trainingMinutes], ' + '),
  };
}

async function train(command: Command): Promise<number> {
  const run = new TrainingRun(command.from, command.threads, await opener(command.engine));
  const line = new ProgressLine();
  let interrupted = false;
  const interrupt = (): void => {
    if (interrupted) process.exit(INTERRUPTED);
    interrupted = true;
  };
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  let saved = performance.now();
  try {
    while (!run.isFinished && !interrupted) {
      const progress = await run.iterate();
      line.update(progress);
      if (progress.rolledBack !== undefined) {
        line.end();
        console.error(`${progress.rolledBack}: back to the last good state, with a lower rate`);
      }
      if (performance.now() - saved < CHECKPOINT_EVERY_MS) continue;
      writeCheckpoint(command.checkpoint, run.snapshot());
      saved = performance.now();
    }
    line.end();
    writeCheckpoint(command.checkpoint, run.snapshot());
    if (interrupted) {
      console.error(`stopped; go on with --resume ${command.checkpoint} --out ${command.out}`);
      return INTERRUPTED;
    }
    const rule = ruleOf(run, command);
    await report(rule, run, command);
    console.error(`${command.out} after ${clock(run.elapsedMs)}; the report is in ${command.report}`);
    return 0;
  } finally {
    await run.dispose();
  }
}

if (import.meta.main) {
  try {
    const command = readCommand(process.argv.slice(2));
    if (command === null) process.stdout.write(HELP);
    else process.exitCode = await (command.quick === null ? train(command) : trainQuickly(command.quick));
  } catch (error) {
    const told = [RuleError, TrainingError, RangeError, EngineError];
    if (!(error instanceof Error) || !told.some((kind) => error instanceof kind)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}
