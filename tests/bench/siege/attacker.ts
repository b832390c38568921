/** A process of its own: one attack, which ends by itself. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { seededRandom } from '../../engines/fixtures.ts';
import { ATTACKS } from './attacks.ts';
import { type Attacked, type AttackTask, READY } from './processes.ts';
import { Siege } from './siege.ts';

/** An attacker's processor is another machine's: here it must not take the server's. */
const NICE = 10;
/**
 * Where Linux shares the cores out between sessions first (`CONFIG_SCHED_AUTOGROUP`), and a nice value counts only within
 * one: this is the session's. An attacker has a session of its own.
 */
const SESSION = '/proc/self/autogroup';
/** From the end of its time until it has ended at the latest. */
const MAX_END_MS = 5_000;

const task = JSON.parse(process.argv[2]) as AttackTask;
// The benchmark has ended without a word.
process.on('disconnect', () => process.exit(1));
setPriority(NICE);
try {
  writeFileSync(SESSION, String(NICE));
} catch {
  // Not this kernel: the nice value counts against every process.
}
process.send!(READY);
await once(process, 'message');

const before = process.cpuUsage();
const signal = AbortSignal.timeout(1_000 * task.seconds);
const siege = new Siege(task, signal, seededRandom(task.randomSeed));
const over = new Promise<void>((resolve) => {
  signal.addEventListener('abort', () => setTimeout(resolve, MAX_END_MS).unref());
});
await Promise.race([ATTACKS[task.attack].run(siege), over]);
// What runs out of work early waits for the others' time.
if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
const { user, system } = process.cpuUsage(before);
const attacked: Attacked = { counts: siege.tally.counts, cpuSeconds: (user + system) / 1e6 };
process.send!(attacked, () => process.exit());
