import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { WINDOW_BYTES } from '../../server/stream/deliver/flow.ts';
import { VIEW_MARGIN_PAGES } from '../../shared/geometry.ts';
import {
  ACK_EVERY_MS,
  BUDGET_CELLS,
  BUDGET_CELLS_PER_SECOND,
  MAX_BRUSH_RADIUS,
  MAX_CLIENT_MESSAGE_BYTES,
  MAX_CLIENT_MESSAGES_PER_SECOND,
  MAX_NAME_LENGTH,
  MAX_PNG_SIDE,
  MAX_STROKE_POINTS,
  MAX_VIEWPORT_PAGES,
  PLANT_COST_CELLS,
} from '../../shared/limits.ts';
import { strokeCost } from '../../shared/stroke.ts';

const read = (path: string): string => readFileSync(join(import.meta.dirname, '../..', path), 'utf8');
const grouped = (value: number): string => value.toLocaleString('en-GB');

describe('a README states the bounds of a client as they are:', () => {
  const wire = read('shared/README.md');

  test.each([
    [`A client message has at most ${grouped(MAX_CLIENT_MESSAGE_BYTES)} bytes.`],
    [`sends at most ${MAX_CLIENT_MESSAGES_PER_SECOND} messages per second`],
    [`at most ${1_000 / ACK_EVERY_MS} per second`],
    [`tool, radius, up to ${MAX_STROKE_POINTS} points`],
    [`at most ${MAX_NAME_LENGTH} characters are kept`],
  ])('“%s”', (sentence) => {
    expect(wire).toContain(sentence);
  });

  test('the largest picture of the world', () => {
    expect(read('README.md')).toContain(`at most ${grouped(MAX_PNG_SIDE)} x ${grouped(MAX_PNG_SIDE)}`);
  });
});

describe('a full budget', () => {
  const dab = strokeCost({ id: 1, tool: 'ablate', radius: MAX_BRUSH_RADIUS, points: [0, 0] });

  test('pays for three dabs of the widest brush, and not for a fourth', () => {
    expect(Math.floor(BUDGET_CELLS / dab)).toBe(3);
  });

  test('pays for six seeds', () => {
    expect(Math.floor(BUDGET_CELLS / PLANT_COST_CELLS)).toBe(6);
  });

  test('is saved up in four seconds', () => {
    expect(BUDGET_CELLS / BUDGET_CELLS_PER_SECOND).toBe(4);
  });
});

test('the largest view holds a 4K screen at one pixel per cell, and not one of twice as many pixels', () => {
  const pages = (width: number, height: number): number =>
    (Math.ceil(width / 64 + 2 * VIEW_MARGIN_PAGES) + 1) *
    (Math.ceil(height / 64 + 2 * VIEW_MARGIN_PAGES) + 1);
  expect(pages(3_840, 2_160)).toBeLessThanOrEqual(MAX_VIEWPORT_PAGES);
  expect(pages(3_840, 4_320)).toBeGreaterThan(MAX_VIEWPORT_PAGES);
});

test('a client that acknowledges as seldom as it may still gets more than the default bytes per second', () => {
  expect((WINDOW_BYTES * 1_000) / ACK_EVERY_MS).toBeGreaterThan(1_000_000);
});
