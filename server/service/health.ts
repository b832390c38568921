/**
 * Is the server in this container well? Ends with 0 when its `/healthz` answers 200, else with 1 and the reason. A worker
 * has no port, and a spare none until it owns the world: while they live, they are well.
 */
import { ConfigError, readConfig } from '../config.ts';

const MAX_ANSWER_MS = 4_000;

try {
  // The server's own flags are not known here: in a container, set the port by REGROW_PORT.
  const { port, role, spare } = readConfig([], process.env);
  const answer = await fetch(`http://127.0.0.1:${port}/healthz`, {
    signal: AbortSignal.timeout(MAX_ANSWER_MS),
  }).catch((error: Error) => {
    if ((role === 'worker' || spare) && isRefused(error)) return null;
    throw error;
  });
  if (answer !== null && !answer.ok)
    throw new Error(`/healthz answers ${answer.status}: ${await answer.text()}`);
} catch (error) {
  const { cause, message } = error as Error & { cause?: Error };
  console.error(error instanceof ConfigError ? message : (cause?.message ?? message));
  process.exitCode = 1;
}

function isRefused({ cause }: Error): boolean {
  return (cause as { readonly code?: string } | undefined)?.code === 'ECONNREFUSED';
}
