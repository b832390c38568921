/** The metrics of a world and its people. */
import { AddressRanges } from './addressRanges.ts';
import type { Admin } from './admin/admin.ts';
import type { Config } from './config.ts';
import type { Guests } from './guests/guests.ts';
import type { Proxies } from './http/addresses.ts';
import { descriptorLimit } from './http/sockets.ts';
import { readMachine } from './machine.ts';
import { Metrics } from './metrics/metrics.ts';
import type { Crowd } from './rooms/crowd.ts';
import type { Tally } from './tally.ts';
import type { WorldLink } from './world/messages.ts';

export interface MetricsHost {
  readonly world: WorldLink;
  readonly config: Config;
  readonly crowd: Crowd;
  readonly guests: Guests;
  readonly admin: Admin | null;
  readonly tally: Tally;
  readonly proxies: Proxies;
  readonly version: ConstructorParameters<typeof Metrics>[0]['version'];
  readonly log: { readonly dropped?: number };
  readonly isAlive: () => boolean;
  /** TCP connections of the port. */
  readonly connections: () => number;
}

export function hostMetrics({
  world,
  config,
  crowd,
  guests,
  admin,
  tally,
  proxies,
  version,
  log,
  isAlive,
  connections,
}: MetricsHost): Metrics {
  return new Metrics(
    {
      world,
      isAlive,
      maxPages: config.maxPages,
      version,
      dataDir: config.dataDir,
      memoryBytes: readMachine().memoryBytes,
      maxDescriptors: descriptorLimit(),
      logLinesDropped: () => log.dropped ?? 0,
      tally,
      visits: () => ({ players: crowd.players.count, hidden: crowd.hidden }),
      connections,
      guests: () => guests.size,
      sanctions: () => guests.sanctions.all,
      tuner: () => admin?.tuner?.view ?? null,
    },
    { readers: new AddressRanges(config.metricsFrom), proxies },
  );
}
