/** Processes that a test file has started. They end with the file, whatever becomes of its tests (`tests/setup.ts`). */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

const running = new Set<ChildProcess>();

/** @returns the child, which runs no longer than the test file */
export function withFile<Child extends ChildProcess>(child: Child): Child {
  running.add(child);
  child.once('exit', () => running.delete(child));
  child.once('error', () => running.delete(child));
  return child;
}

/** Sends SIGKILL where the process still runs; resolves when it has ended. */
export async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

export async function killStarted(): Promise<void> {
  await Promise.all([...running].map(kill));
}
