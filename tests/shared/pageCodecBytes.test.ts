import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { PAGE_BYTES } from '../../shared/geometry.ts';
import { decodePage, encodeKeyframe, encodePage, pagesEqual } from '../../shared/pageCodec.ts';
import { readPageFilm } from '../fixtures/pageFilm.ts';

/**
 * sha256 of what the codec makes of `tests/fixtures/pages.film`, by ε. A client decodes with the codec that it has
 * loaded, so a server that encodes otherwise is not understood: a hash may change only together with `PROTOCOL_VERSION`
 * (`shared/protocol.ts`), or when the film is recorded anew.
 */
const HASHES = {
  0: {
    payloads: 130,
    bytes: 212767,
    sha256: '79077d9da256182dfdc5f2c83a285494123318e4189db3eaf679335c788bb997',
  },
  1: {
    payloads: 130,
    bytes: 213019,
    sha256: '2c086c34b4dc7c5171b1802c7a58943f5f22439d30115aeffa419603f3aac5e0',
  },
  2: {
    payloads: 130,
    bytes: 207946,
    sha256: '735f9a443b7178c9f880a1db00168607779cb1d0033392f31c2b29746a603e49',
  },
  8: {
    payloads: 130,
    bytes: 190437,
    sha256: '50b01677f274c6942368b4d167b5eba7a45755cfa9ab64740c90191ed46b6edc',
  },
} as const;

const frames = readPageFilm();

/** Every delta of the film, and after each frame a keyframe of each page that changed; each read back. */
function encodeFilm(epsilon: number): unknown {
  const hash = createHash('sha256');
  const published = new Map<number, Uint8Array>();
  let payloads = 0;
  let bytes = 0;
  const take = (page: number, kind: number, payload: Uint8Array): void => {
    const head = Buffer.alloc(7);
    head.writeUInt16LE(page);
    head[2] = kind;
    head.writeUInt32LE(payload.length, 3);
    hash.update(head).update(payload);
    payloads++;
    bytes += payload.length;
  };
  for (const frame of frames) {
    for (const [page, truth] of frame) {
      const held = published.get(page) ?? new Uint8Array(PAGE_BYTES);
      const reader = held.slice();
      const delta = encodePage(held, truth, epsilon);
      published.set(page, held);
      if (delta === null) continue;
      take(page, 0, delta);
      decodePage(delta, reader);
      expect(pagesEqual(reader, held)).toBe(true);
      const keyframe = encodeKeyframe(held);
      take(page, 1, keyframe);
      const newcomer = new Uint8Array(PAGE_BYTES);
      decodePage(keyframe, newcomer);
      expect(pagesEqual(newcomer, held)).toBe(true);
    }
  }
  return { payloads, bytes, sha256: hash.digest('hex') };
}

test('the film is of a world that grows, stands, is wounded and heals', () => {
  expect(frames.length).toBeGreaterThan(15);
  const sizes = frames.map((frame) => frame.size);
  expect(Math.max(...sizes)).toBeGreaterThan(2);
  const pixels = frames.flatMap((frame) => [...frame.values()].map((page) => page.filter(Boolean).length));
  expect(Math.max(...pixels)).toBeGreaterThan(1_000);
});

test.each([0, 1, 2, 8] as const)(
  'the codec writes the bytes of this protocol version, with ε %i',
  (epsilon) => {
    expect(encodeFilm(epsilon)).toEqual(HASHES[epsilon]);
  },
);
