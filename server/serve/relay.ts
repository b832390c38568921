/** Entry of a relay beside its worlds: serves the clients of what other processes of this machine own. */
import { Socket } from 'node:net';
import { format } from 'node:util';
import { readConfig } from '../config.ts';
import { PipeRelay } from '../links/pipe.ts';
import { linkRelay } from '../links/relayLink.ts';
import { END, PIPE_FD } from '../links/relayProcesses.ts';
import { sayWell } from '../links/watch.ts';
import { ProcessLog } from '../log/log.ts';
import { serveFar } from './serveFar.ts';
import { serveRelay } from './serveRelay.ts';

for (const out of [process.stdout, process.stderr]) out.on('error', () => {});
// A terminal and systemd signal all processes at once: the world's process says when this one ends.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {});

const config = readConfig(process.argv.slice(2), process.env);
const log = new ProcessLog({
  level: config.logLevel,
  format: config.log,
  out: process.stdout,
  err: process.stderr,
  secrets: [config.adminToken, config.nats],
});
for (const level of ['debug', 'info', 'warn', 'error'] as const)
  console[level] = (...what: unknown[]) => log[level](format(...what));
console.log = console.info;

try {
  // Several worlds are found in a folder; the only one has started this process.
  if (config.meet !== '') await several();
  else await one();
} catch (error) {
  log.error(`a relay cannot serve: ${(error as Error).message}`);
  process.exit(1);
}

async function several(): Promise<void> {
  let isEnding = false;
  let relay: Awaited<ReturnType<typeof serveFar>> | null = null;
  // Before it waits for worlds: what has started it may end meanwhile.
  process.on('message', (message) => {
    if (message !== END || isEnding) return;
    isEnding = true;
    if (relay === null) process.exit(0);
    void relay.stop().finally(() => process.exit(0));
  });
  relay = await serveFar(config, log, {
    isStopping: () => isEnding,
    // The process that has started worlds and relays says what becomes of a world.
    logWay: (line) => log.debug(line),
  });
  sayWell();
}

async function one(): Promise<void> {
  const link = await linkRelay({
    transport: new PipeRelay(new Socket({ fd: PIPE_FD, readable: true, writable: true })),
    // What concerns the way to the world, the world's process says for all relays.
    log: (line) => log.debug(line),
  });
  const server = await serveRelay(link, config, log);
  let isEnding = false;
  link.onDeath = () => {
    if (isEnding) return;
    isEnding = true;
    void server.close().finally(() => process.exit(0));
  };
  if (link.hasEnded) link.onDeath(new Error('the world has ended'));
}
