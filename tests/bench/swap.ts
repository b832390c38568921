/**
 * `npm run bench -- swap [--viewers n] [--swaps n] [--json]`: a real server with a grown garden, viewers in another
 * process, and one rule that is repeatedly swapped for another and back. The same viewers are first measured for the
 * same time without a swap.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Admin } from '../../server/admin/admin.ts';
import { readConfig } from '../../server/config.ts';
import { startWorld } from '../../server/links/threadLink.ts';
import { serializeRule } from '../../server/rules/format.ts';
import { readRule } from '../../server/rules/load.ts';
import { serveWorld } from '../../server/serve/serveWorld.ts';
import { Remote } from './fanout/messages.ts';
import type { ViewerCalls } from './swap/viewers.ts';

const { values } = parseArgs({
  args: process.argv.slice(3),
  options: {
    json: { type: 'boolean', default: false },
    viewers: { type: 'string', default: '50' },
    swaps: { type: 'string', default: '100' },
  },
});
const swaps = Number(values.swaps);
const SWAP_EVERY_MS = 200;
const GROWN_STEPS = 400;
const MIB = 2 ** 20;
const SPECIES = 'pikachu';
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const folder = mkdtempSync(join(tmpdir(), 'regrow-swap-'));
const config = {
  ...readConfig(['--rest', '0', '--per-address', '1000', '--guests-per-address', '1000'], {}),
  host: '127.0.0.1',
  port: 0,
  dataDir: folder,
  adminToken: 'of no use here, but long enough',
};
const world = await startWorld(config);
const admin = new Admin(world, config);
const server = await serveWorld(world, config, { admin });
const viewers = new Remote<ViewerCalls>('../swap/viewers.ts');
try {
  const actor = { who: 'the benchmark', address: '' };
  const pikachu = readRule(join(config.weightsDir, `${SPECIES}.safetensors`));
  const bytes = serializeRule({ ...pikachu, fireRate: 0.55 });
  const other = await admin.desk.ask((registry) => registry.add({ bytes, origin: 'uploaded' }, actor));
  const first = await admin.desk.ask((registry) => registry.find(SPECIES, 1));
  const swap = async (n: number): Promise<number> => {
    const startMs = performance.now();
    const rule = n % 2 === 0 ? other.id : first.id;
    const result = await admin.desk.swap({ species: SPECIES, rule, scope: 'species' }, actor);
    if (!result.ok) throw new Error(result.reason);
    return performance.now() - startMs;
  };
  // Both rules are probed before the measurement; a swap soon after a probe's film was seen is not probed again.
  for (const n of [0, 1]) await swap(n);
  await viewers.ask('join', { url: server.url, world: config, viewers: Number(values.viewers) });
  while ((world.stats?.step ?? 0) < GROWN_STEPS) await pause(100);

  await viewers.ask('begin', null);
  await pause(swaps * SWAP_EVERY_MS);
  const calm = await viewers.ask('end', config);

  await viewers.ask('begin', null);
  const tookMs: number[] = [];
  const rss: number[] = [];
  for (let n = 0; n < swaps; n++) {
    const startMs = performance.now();
    tookMs.push(await swap(n));
    rss.push(process.memoryUsage.rss() / MIB);
    await pause(Math.max(0, SWAP_EVERY_MS - (performance.now() - startMs)));
  }
  const swapping = await viewers.ask('end', config);
  tookMs.sort((a, b) => a - b);
  const mean = (numbers: readonly number[]): number =>
    numbers.reduce((sum, n) => sum + n, 0) / numbers.length;
  const fifth = Math.max(1, Math.floor(swaps / 5));
  report({
    viewers: Number(values.viewers),
    swaps,
    organisms: world.stats?.organisms ?? 0,
    swapP50Ms: tookMs[tookMs.length >> 1],
    swapWorstMs: tookMs.at(-1)!,
    calmP50Ms: calm.p50Ms,
    calmP99Ms: calm.p99Ms,
    calmWorstMs: calm.worstMs,
    gapP50Ms: swapping.p50Ms,
    gapP99Ms: swapping.p99Ms,
    gapWorstMs: swapping.worstMs,
    frames: swapping.frames,
    rssFirstFifthMiB: mean(rss.slice(0, fifth)),
    rssLastFifthMiB: mean(rss.slice(-fifth)),
  });
} finally {
  await viewers.stop();
  await server.close();
  await world.stop();
  rmSync(folder, { recursive: true, force: true });
}
process.exit(0);

function report(figures: Record<string, number>): void {
  if (values.json) {
    console.log(JSON.stringify(figures, undefined, 2));
    return;
  }
  for (const [name, value] of Object.entries(figures))
    console.log(`${name.padEnd(20)} ${value.toLocaleString('en', { maximumSignificantDigits: 4 })}`);
}
