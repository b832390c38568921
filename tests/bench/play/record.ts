/**
 * Records `server/training/play.json`: what the page really sends while a hand erases at a body. Run by hand:
 *
 *     node tests/bench/play/record.ts [randomSeed]
 *
 * A server of its own grows 24 pikachus. A real Chromium opens the page, presses the eraser's key, sets its size
 * with [ and ], and draws one stroke over each body with the mouse (`gestures.ts`): 8 shapes with each of three
 * brushes, each with a full budget. What the page hands to its socket is kept, with the page's own clock: how a drag
 * is cut into messages, and how often they go, is the page's doing.
 *
 *     file   := { "strokes": [ stroke, … ] }
 *     stroke := { "radius": R, "moves": [ move, … ] }      one drag or tap, of the eraser
 *     move   := [ ms, x0, y0, x1, y1, … ]                  one StrokeMessage
 *
 * R, x and y are in parts of half the body's longer side; x and y from the middle of the body's box, x to the
 * right, y downwards. ms: since the first message of the stroke. All have at most 3 decimals.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { decodeMsgpack } from '../../../server/rooms/msgpack.ts';
import { Random } from '../../../server/training/random.ts';
import type { Rect } from '../../../shared/geometry.ts';
import { ClientMessageType, type StrokeMessage } from '../../../shared/protocol.ts';
import { launchBrowser } from '../../browser/harness.ts';
import { startServer, until } from '../../serverProcess.ts';
import { drawGestures, GESTURES, moveHand, type Place } from './gestures.ts';

const ROOT = join(import.meta.dirname, '../../..');
const FILE = join(ROOT, 'server/training/play.json');
const SPECIES = 'pikachu';
/** Presses of ] (or, below 0, of [) from the first brush. */
const BRUSHES = [-4, 0, 6] as const;
const STROKES = BRUSHES.length * GESTURES;
/** Colyseus' message of an application, by its first byte. */
const ROOM_DATA = 13;
/** Cells about the seed in which the body is looked for: its neighbours begin beyond. */
const LOOK_CELLS = 30;
/** The alpha of a living cell, of 255. */
const LIVING_ALPHA = 25;
const LOOKS = 5;
const LOOK_EVERY_MS = 60;
const WHOLE = 0.97;
const GROW_LIMIT_MS = 120_000;
/** Until the page has been sent what is in its view. */
const SHOW_MS = 500;
/** The page sends what is left at the latest this long after the last movement. */
const SEND_AT_LATEST_MS = 400;

interface Handle {
  readonly ready: boolean;
  readonly hello: { readonly species: readonly { readonly width: number; readonly height: number }[] };
  cellAt(x: number, y: number): readonly number[];
  cellToScreen(x: number, y: number): { x: number; y: number };
  setCamera(x: number, y: number, zoom: number): void;
}
type Window = { regrow: Handle; sent: { ms: number; bytes: number[] }[] };

interface Recorded {
  readonly radius: number;
  readonly moves: readonly (readonly number[])[];
}

interface Body {
  readonly x: number;
  readonly y: number;
  readonly health: number;
}

const round = (value: number): number => Math.round(value * 1_000) / 1_000;

/** Keeps what the page hands to its socket, and when. Runs in the page, before the page's own code. */
function tapSocket(): void {
  const sent: Window['sent'] = [];
  (globalThis as unknown as Window).sent = sent;
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (bytes) {
    if (ArrayBuffer.isView(bytes))
      sent.push({
        ms: performance.now(),
        bytes: [...new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)],
      });
    send.call(this, bytes);
  };
}

/** The strokes that the page has sent since it was last asked. */
async function takeStrokes(page: Page): Promise<{ ms: number; stroke: StrokeMessage }[]> {
  const sent = await page.evaluate(() => (globalThis as unknown as Window).sent.splice(0));
  return sent
    .filter(({ bytes }) => bytes[0] === ROOM_DATA && bytes[1] === ClientMessageType.stroke)
    .map(({ ms, bytes }) => ({
      ms,
      stroke: decodeMsgpack(Uint8Array.from(bytes.slice(2))) as StrokeMessage,
    }));
}

/** The box of the body's living cells, as the page shows it now. */
function bodyBox(page: Page, seed: Body): Promise<Rect> {
  return page.evaluate(
    ({ x, y, reach, living }) => {
      const { regrow } = globalThis as unknown as Window;
      let [left, top, right, bottom] = [x, y, x, y];
      for (let v = y - reach; v < y + reach; v++) {
        for (let u = x - reach; u < x + reach; u++) {
          if (regrow.cellAt(u, v)[3] <= living) continue;
          [left, top] = [Math.min(left, u), Math.min(top, v)];
          [right, bottom] = [Math.max(right, u), Math.max(bottom, v)];
        }
      }
      return { x: left, y: top, width: right - left + 1, height: bottom - top + 1 };
    },
    { x: seed.x, y: seed.y, reach: LOOK_CELLS, living: LIVING_ALPHA },
  );
}

/** The bodies, all grown; none has ever been touched. */
function grownBodies(url: string): Promise<Body[]> {
  return until(
    `${STROKES} grown bodies`,
    async () => {
      const bodies = (await (await fetch(`${url}/api/organisms`)).json()) as Body[];
      return bodies.length === STROKES && bodies.every(({ health }) => health >= WHOLE) ? bodies : undefined;
    },
    GROW_LIMIT_MS,
  );
}

/** Looks at a body as closely as at the start, and waits until there is energy for any stroke. */
async function face(page: Page, seed: Body): Promise<{ middle: Place; reach: number }> {
  const reach = await page.evaluate(({ x, y }) => {
    const { regrow } = globalThis as unknown as Window;
    const zoom = regrow.cellToScreen(1, 0).x - regrow.cellToScreen(0, 0).x;
    regrow.setCamera(x, y, zoom);
    const [mature] = regrow.hello.species;
    return Math.max(mature.width, mature.height) / 2;
  }, seed);
  await page.waitForFunction(
    () => document.querySelector('.energy')?.getAttribute('aria-valuenow') === '100',
  );
  await pause(SHOW_MS);
  // The rim flickers by a cell.
  const middle = { x: 0, y: 0 };
  for (let look = 0; look < LOOKS; look++) {
    const box = await bodyBox(page, seed);
    middle.x += (box.x + box.width / 2) / LOOKS;
    middle.y += (box.y + box.height / 2) / LOOKS;
    await pause(LOOK_EVERY_MS);
  }
  return { middle, reach };
}

/** Takes the eraser and changes its size by a number of notches. */
async function takeBrush(page: Page, notches: number): Promise<void> {
  await page.keyboard.press('2');
  for (let i = 0; i < Math.abs(notches); i++) await page.keyboard.press(notches > 0 ? ']' : '[');
}

async function record(randomSeed: number): Promise<Recorded[]> {
  const weights = mkdtempSync(join(tmpdir(), 'regrow-play-'));
  copyFileSync(join(ROOT, `weights/${SPECIES}.safetensors`), join(weights, `${SPECIES}.safetensors`));
  const server = await startServer([
    '--energy-per-address',
    '1000',
    '--size',
    '1024',
    '--garden',
    String(STROKES),
    '--weights-dir',
    weights,
  ]);
  const browser = await launchBrowser();
  const random = new Random(randomSeed);
  const strokes: Recorded[] = [];
  try {
    const bodies = await grownBodies(server.url);
    for (const notches of BRUSHES) {
      const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
      await page.addInitScript(tapSocket);
      await page.goto(server.url);
      await page.waitForFunction(() => (globalThis as unknown as Partial<Window>).regrow?.ready === true);
      await takeBrush(page, notches);
      for (const gesture of drawGestures(random)) {
        const { middle, reach } = await face(page, bodies[strokes.length]);
        const hand = moveHand(gesture, random);
        const corner = await page.evaluate(
          ({ x, y }) => (globalThis as unknown as Window).regrow.cellToScreen(x, y),
          middle,
        );
        const edge = await page.evaluate(
          ({ x, y }) => (globalThis as unknown as Window).regrow.cellToScreen(x, y),
          { x: middle.x + reach, y: middle.y },
        );
        const pixels = edge.x - corner.x;
        const move = (ms: number): Promise<void> => {
          const { x, y } = hand(ms);
          return page.mouse.move(corner.x + x * pixels, corner.y + y * pixels);
        };
        await takeStrokes(page);
        await move(0);
        await page.mouse.down();
        // A mouse reports 125 times a second and waits for nobody: what comes between two pictures, the browser folds
        // into one event, and the page unfolds it.
        const moves: Promise<void>[] = [];
        for (let ms = 0, from = performance.now(); ms < gesture.ms; ms = performance.now() - from) {
          moves.push(move(ms));
          await pause(8);
        }
        await Promise.all([...moves, move(gesture.ms)]);
        await page.mouse.up();
        await pause(SEND_AT_LATEST_MS);
        const sent = await takeStrokes(page);
        if (sent.length === 0) throw new Error(`${gesture.name}: the page sent nothing`);
        const inReach = (value: number, i: number): number =>
          round((value - (i % 2 === 0 ? middle.x : middle.y)) / reach);
        strokes.push({
          radius: round(sent[0].stroke.radius / reach),
          moves: sent.map(({ ms, stroke }) => [Math.round(ms - sent[0].ms), ...stroke.points.map(inReach)]),
        });
        console.log(
          `${strokes.length}. ${gesture.name}, ${Math.round(gesture.ms)} ms, radius ${sent[0].stroke.radius} of ` +
            `${reach} cells: ${sent.length} messages, ${sent.reduce((n, { stroke }) => n + stroke.points.length / 2, 0)} points`,
        );
      }
      await page.close();
    }
  } finally {
    await browser.close();
    await server.stop();
    rmSync(weights, { recursive: true });
  }
  return strokes;
}

const randomSeed = Number(process.argv[2] ?? 1);
if (!Number.isInteger(randomSeed)) throw new RangeError(`${process.argv[2]} is not a random seed`);
execFileSync(process.execPath, [join(ROOT, 'server/build.ts'), 'engine', 'client']);
const strokes = await record(randomSeed);
writeFileSync(FILE, JSON.stringify({ strokes }));
execFileSync(join(ROOT, 'node_modules/.bin/biome'), ['format', '--write', FILE]);
console.log(`${strokes.length} strokes in ${FILE}`);
