/**
 * `npm run bench -- codec [--distill DIR] [--weights DIR] [--json]`: bytes and time of the page codec, on frames that
 * the run records. Every rival compresses the plain delta in the form that suits it better: the runs of changed cells,
 * or the page of differences. It moves changed cells exactly to the truth.
 */

import { parseArgs } from 'node:util';
import { brotliCompressSync, constants, deflateRawSync, zstdCompressSync } from 'node:zlib';
import { encode as encodePng } from 'fast-png';
import { readPageCodec } from '../../server/stream/codec.ts';
import { PAGE_BYTES, PAGE_CELLS } from '../../shared/geometry.ts';
import { decodePage, encodePage } from '../../shared/pageCodec.ts';
import { distillRules, type Film, SCENES, type Scene, shippedRules, shoot } from './films.ts';
import { plainDelta } from './plainDelta.ts';

const EPSILONS = [0, 1, 2] as const;
const FRAMES = 50;
const WOUNDS = 3;
/** Pages of each case that are timed: spread evenly, repeated many times; the best round counts. */
const TIMED_PAGES = 48;
const ROUNDS = 25;

const { values } = parseArgs({
  args: process.argv.slice(3),
  options: {
    json: { type: 'boolean', default: false },
    distill: { type: 'string' },
    weights: { type: 'string' },
  },
});

const RIVALS = {
  zstd1: (bytes: Uint8Array) =>
    zstdCompressSync(bytes, {
      params: { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_contentSizeFlag]: 0 },
    }).length,
  deflate1: (bytes: Uint8Array) => deflateRawSync(bytes, { level: 1 }).length,
  brotli5: (bytes: Uint8Array) =>
    brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } }).length,
} as const;
type Rival = keyof typeof RIVALS | 'png';

const png = (data: Uint8Array): number =>
  encodePng({ width: PAGE_CELLS, height: PAGE_CELLS, data, channels: 4, depth: 8 }).length;

interface Update {
  readonly before: Uint8Array;
  readonly truth: Uint8Array;
  readonly payload: Uint8Array;
}

/** This codec: the bytes of every page of a film. */
function publish(film: Film, epsilon: number): { updates: Update[]; maxError: number } {
  const held = new Map([...film.start].map(([page, pixels]) => [page, pixels.slice()]));
  const updates: Update[] = [];
  let maxError = 0;
  for (const frame of film.frames) {
    for (const [page, truth] of frame) {
      const published = held.get(page)!;
      const before = published.slice();
      const payload = encodePage(published, truth, epsilon);
      for (let i = 0; i < PAGE_BYTES; i++) maxError = Math.max(maxError, Math.abs(published[i] - truth[i]));
      if (payload !== null) updates.push({ before, truth, payload });
    }
  }
  return { updates, maxError };
}

/** The rivals' bytes, over the whole film. */
function rivalBytes(film: Film, epsilon: number): Record<Rival, number> {
  const held = new Map([...film.start].map(([page, pixels]) => [page, pixels.slice()]));
  const bytes: Record<Rival, number> = { zstd1: 0, deflate1: 0, brotli5: 0, png: 0 };
  for (const frame of film.frames) {
    for (const [page, truth] of frame) {
      const delta = plainDelta(held.get(page)!, truth, epsilon);
      if (delta === null) continue;
      for (const [name, sizeOf] of Object.entries(RIVALS))
        bytes[name as Rival] += Math.min(sizeOf(delta.runs), sizeOf(delta.differences));
      bytes.png += Math.min(png(delta.differences), png(held.get(page)!));
    }
  }
  return bytes;
}

/** Microseconds per page. */
function time(updates: readonly Update[], epsilon: number): { encode: number; decode: number } {
  const stride = Math.max(1, updates.length / TIMED_PAGES);
  const timed = Array.from(
    { length: Math.min(TIMED_PAGES, updates.length) },
    (_, i) => updates[Math.floor(i * stride)],
  );
  const best = { encode: Number.POSITIVE_INFINITY, decode: Number.POSITIVE_INFINITY };
  for (let round = 0; round < ROUNDS; round++) {
    const published = timed.map(({ before }) => before.slice());
    let start = performance.now();
    for (let i = 0; i < timed.length; i++) encodePage(published[i], timed[i].truth, epsilon);
    best.encode = Math.min(best.encode, performance.now() - start);
    const readers = timed.map(({ before }) => before.slice());
    start = performance.now();
    for (let i = 0; i < timed.length; i++) decodePage(timed[i].payload, readers[i]);
    best.decode = Math.min(best.decode, performance.now() - start);
  }
  return { encode: (best.encode / timed.length) * 1e3, decode: (best.decode / timed.length) * 1e3 };
}

/** One scene at one ε; bytes are per organism and frame. */
function measure(films: readonly Film[], epsilon: number) {
  const frames = films.reduce((sum, film) => sum + film.frames.length, 0);
  const published = films.map((film) => publish(film, epsilon));
  const updates = published.flatMap((film) => film.updates);
  const rivals: Record<Rival, number> = { zstd1: 0, deflate1: 0, brotli5: 0, png: 0 };
  for (const film of films)
    for (const [name, bytes] of Object.entries(rivalBytes(film, epsilon))) rivals[name as Rival] += bytes;
  const { encode, decode } = time(updates, epsilon);
  const ours = updates.reduce((sum, { payload }) => sum + payload.length, 0);
  const perFrame = (bytes: number): number => Math.round((bytes / frames) * 10) / 10;
  return {
    epsilon,
    ours: perFrame(ours),
    zstd1: perFrame(rivals.zstd1),
    deflate1: perFrame(rivals.deflate1),
    brotli5: perFrame(rivals.brotli5),
    png: perFrame(rivals.png),
    ratioToZstd1: rivals.zstd1 === 0 ? null : Math.round((ours / rivals.zstd1) * 1e3) / 1e3,
    pagesPerFrame: Math.round((updates.length / frames) * 100) / 100,
    encodeMicroseconds: updates.length === 0 ? null : Math.round(encode * 10) / 10,
    decodeMicroseconds: updates.length === 0 ? null : Math.round(decode * 10) / 10,
    maxError: Math.max(...published.map(({ maxError }) => maxError)),
  };
}

await readPageCodec();
const sources = {
  shipped: shippedRules(values.weights),
  ...(values.distill === undefined ? {} : { distill: distillRules(values.distill) }),
};
const figures: Record<string, { rules: string[] } & Partial<Record<Scene, ReturnType<typeof measure>[]>>> =
  {};
for (const [source, rules] of Object.entries(sources)) {
  const films: Film[] = [];
  for (const rule of rules)
    films.push(...(await shoot(rule, { randomSeed: 5, x: 97, y: 95, frames: FRAMES, wounds: WOUNDS })));
  figures[source] = { rules: rules.map(({ name }) => name) };
  for (const scene of SCENES) {
    const shown = films.filter((film) => film.scene === scene);
    figures[source][scene] = EPSILONS.map((epsilon) => measure(shown, epsilon));
  }
}

if (values.json) {
  console.log(JSON.stringify(figures, undefined, 2));
} else {
  for (const [source, { rules, ...scenes }] of Object.entries(figures)) {
    console.log(`\n${source}: ${rules.join(', ')} (bytes per organism and frame, microseconds per page)`);
    for (const [scene, rows] of Object.entries(scenes)) {
      console.log(scene);
      console.table(rows.map((row) => ({ ...row })));
    }
  }
}
