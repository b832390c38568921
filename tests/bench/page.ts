/**
 * Measures the client's processor time on the browser's main thread: a real server, a real Chromium at 1920x1080, 40
 * organisms in view. The client is traced while nothing is touched, and while a player hurts bodies, pans and zooms. A
 * frame lasts from one BeginMainFrame to the next, and costs the processor time of every task on the main thread in it,
 * without the browser's software rasterising: without a GPU it paints 2D canvases and copies the WebGL canvas inside
 * `LayerTreeHost::DoUpdateLayers`. That time is reported separately.
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { launchBrowser } from '../browser/harness.ts';
import { startServer, until } from '../serverProcess.ts';

const VIEW = { width: 1920, height: 1080 };
const ORGANISMS = 40;
const PHASE_MS = 4_000;
/** Pointer and wheel events come as often as from a mouse on a screen of 60 Hz. */
const INPUT_EVERY_MS = 16;
const CATEGORIES = ['-*', 'toplevel', 'cc', 'devtools.timeline', '__metadata'];

interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  /** Microseconds of processor time. */
  readonly tdur?: number;
  readonly args?: { readonly name?: string };
}

interface Cost {
  readonly frames: number;
  readonly framesPerSecond: number;
  /** Software rasterising, which the other figures leave out. */
  readonly rasterMsPerFrame: number;
  readonly mainThreadMsPerFrame: { readonly mean: number; readonly p50: number; readonly p95: number };
  readonly decodeMsPerFrame: number;
}

interface Body {
  readonly x: number;
  readonly y: number;
  readonly health: number;
}

interface Handle {
  readonly ready: boolean;
  readonly decoded: { readonly frames: number; readonly ms: number };
  setCamera(x: number, y: number, zoom: number): void;
}

const round = (value: number): number => Math.round(value * 1_000) / 1_000;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** @throws Error when the trace has no main thread or no whole frame */
function costOf(trace: Buffer): Omit<Cost, 'decodeMsPerFrame'> {
  const parsed = JSON.parse(trace.toString()) as { traceEvents: TraceEvent[] } | TraceEvent[];
  const events = Array.isArray(parsed) ? parsed : parsed.traceEvents;
  const mains = new Set<string>();
  const idOf = ({ pid, tid }: TraceEvent): string => `${pid}/${tid}`;
  for (const event of events)
    if (event.ph === 'M' && event.name === 'thread_name' && event.args?.name === 'CrRendererMain')
      mains.add(idOf(event));
  const begins = events.filter(({ name, ph }) => name === 'ProxyMain::BeginMainFrame' && ph === 'X');
  // If there are several renderers, the client's is the one that draws most frames.
  const counts = new Map<string, number>();
  for (const event of begins)
    if (mains.has(idOf(event))) counts.set(idOf(event), (counts.get(idOf(event)) ?? 0) + 1);
  const main = [...counts].sort((a, b) => b[1] - a[1])[0]?.[0];
  if (main === undefined) throw new Error('the trace shows no frame on a main thread');
  const starts = begins
    .filter((event) => idOf(event) === main)
    .map(({ ts }) => ts)
    .sort((a, b) => a - b);
  /** Processor milliseconds of one kind of event, frame by frame. */
  const spent = (kind: string): number[] => {
    const costs = new Array<number>(Math.max(0, starts.length - 1)).fill(0);
    let frame = 0;
    for (const { ts, tdur } of events
      .filter((event) => event.name === kind && event.ph === 'X' && idOf(event) === main)
      .sort((a, b) => a.ts - b.ts)) {
      while (frame < starts.length && starts[frame] <= ts) frame++;
      if (frame > 0 && frame < starts.length) costs[frame - 1] += (tdur ?? 0) / 1_000;
    }
    return costs;
  };
  const raster = spent('LayerTreeHost::DoUpdateLayers');
  // A frame's task begins slightly before its event, so that part counts for the frame before. Over a phase the sum is
  // the same.
  const costs = spent('ThreadControllerImpl::RunTask');
  for (let i = 0; i + 1 < costs.length; i++) costs[i] -= raster[i + 1];
  costs.pop();
  if (costs.length === 0) throw new Error('the trace shows no whole frame');
  const seconds = (starts[starts.length - 1] - starts[0]) / 1e6;
  const sorted = [...costs].sort((a, b) => a - b);
  const at = (share: number): number =>
    round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]);
  const mean = round(costs.reduce((sum, cost) => sum + cost, 0) / costs.length);
  return {
    frames: costs.length,
    framesPerSecond: round(costs.length / seconds),
    rasterMsPerFrame: round(raster.reduce((sum, cost) => sum + cost, 0) / raster.length),
    mainThreadMsPerFrame: { mean, p50: at(0.5), p95: at(0.95) },
  };
}

async function measure(browser: Browser, page: Page, act: () => Promise<void>): Promise<Cost> {
  const decoded = () =>
    page.evaluate(() => {
      const { frames, ms } = (window as unknown as { regrow: Handle }).regrow.decoded;
      return { frames, ms };
    });
  const before = await decoded();
  await browser.startTracing(page, { categories: CATEGORIES });
  await act();
  const trace = await browser.stopTracing();
  const after = await decoded();
  const decodeMsPerFrame = round((after.ms - before.ms) / Math.max(1, after.frames - before.frames));
  return { ...costOf(trace), decodeMsPerFrame };
}

/** Calls `step` every INPUT_EVERY_MS with the seconds since the start. */
async function forAWhile(step: (seconds: number) => Promise<void>): Promise<void> {
  const startedAt = performance.now();
  for (let next = 0; next < PHASE_MS; next += INPUT_EVERY_MS) {
    const now = performance.now() - startedAt;
    if (now > PHASE_MS) return;
    if (next > now) await pause(next - now);
    await step(Math.max(now, next) / 1_000);
  }
}

// The other benchmarks do not need the client, so `npm run bench` does not build it.
execFileSync(process.execPath, [join(import.meta.dirname, '../../server/build.ts'), 'client']);
const server = await startServer(['--size', '2048', '--garden', String(ORGANISMS)]);
const browser = await launchBrowser();
try {
  const grown = await until(
    `${ORGANISMS} grown organisms`,
    async () => {
      const bodies = (await (await fetch(`${server.url}/api/organisms`)).json()) as Body[];
      return bodies.length >= ORGANISMS && bodies.every(({ health }) => health > 0.9) ? bodies : undefined;
    },
    120_000,
  );
  const page = await browser.newPage({ viewport: VIEW });
  await page.goto(server.url);
  await page.waitForFunction(() => (window as unknown as { regrow?: Handle }).regrow?.ready === true);
  const [left, right] = [
    Math.min(...grown.map(({ x }) => x)) - 30,
    Math.max(...grown.map(({ x }) => x)) + 30,
  ];
  const [top, bottom] = [
    Math.min(...grown.map(({ y }) => y)) - 30,
    Math.max(...grown.map(({ y }) => y)) + 30,
  ];
  const zoom = Math.min(VIEW.width / (right - left), VIEW.height / (bottom - top));
  const look = async (): Promise<void> => {
    await page.evaluate(
      ({ x, y, zoom }) => (window as unknown as { regrow: Handle }).regrow.setCamera(x, y, zoom),
      { x: (left + right) / 2, y: (top + bottom) / 2, zoom },
    );
    await pause(2_000);
  };
  await look();

  const middle = { x: VIEW.width / 2, y: VIEW.height / 2 };
  /** A round path of the pointer, over most of the bodies. */
  const circle = (seconds: number, radius: number): Promise<void> => {
    const angle = seconds * 2.5;
    return page.mouse.move(
      middle.x + Math.cos(angle) * radius * (0.4 + (0.6 * seconds * 1_000) / PHASE_MS),
      middle.y + Math.sin(angle) * radius * (0.4 + (0.6 * seconds * 1_000) / PHASE_MS),
    );
  };
  const drag = async (tool: string, radius: number): Promise<void> => {
    await page.keyboard.press(tool);
    await page.mouse.move(middle.x, middle.y);
    await page.mouse.down();
    await forAWhile((seconds) => circle(seconds, radius));
    await page.mouse.up();
  };
  const still = await measure(browser, page, () => pause(PHASE_MS));
  const hurting = await measure(browser, page, () => drag('2', 400));
  const panning = await measure(browser, page, () => drag('1', 300));
  await look();
  await page.mouse.move(middle.x, middle.y);
  const zooming = await measure(browser, page, () =>
    forAWhile((seconds) => page.mouse.wheel(0, seconds % 2 < 1 ? 40 : -40)),
  );
  const session = await page.context().newCDPSession(page);
  await session.send('HeapProfiler.collectGarbage');
  const { metrics } = await session
    .send('Performance.enable')
    .then(() => session.send('Performance.getMetrics'));
  const heap = metrics.find(({ name }) => name === 'JSHeapUsedSize')?.value ?? Number.NaN;
  const result = {
    view: VIEW,
    organisms: grown.length,
    zoom: round(zoom),
    browser: browser.version(),
    phases: { still, hurting, panning, zooming },
    jsHeapMiB: round(heap / 2 ** 20),
  };
  if (process.argv.includes('--json')) console.log(JSON.stringify(result, null, 2));
  else {
    console.log(`${grown.length} organisms in ${VIEW.width}x${VIEW.height}, Chromium ${browser.version()}`);
    console.table(
      Object.fromEntries(
        Object.entries(result.phases).map(([phase, { mainThreadMsPerFrame, ...rest }]) => [
          phase,
          { ...mainThreadMsPerFrame, ...rest },
        ]),
      ),
    );
    console.log(`JavaScript heap of the page after a collection: ${result.jsHeapMiB} MiB`);
  }
} finally {
  await browser.close();
  await server.stop();
}
