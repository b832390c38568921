import fc from 'fast-check';
import { expect, test } from 'vitest';
import { labelPlace } from '../../../client/scene/label.ts';

fc.configureGlobal({ seed: 1 });

test('a label lies above its subject, else below or beside it, never under a panel or outside the free view', () => {
  const free = { x: 0, y: 60, width: 390, height: 500 };
  const label = { width: 200, height: 40 };
  const room = { free, panels: [] };
  const box = (x: number, y: number) => ({ x, y, width: 120, height: 120 });
  expect(labelPlace(box(100, 300), label, room)).toEqual({ x: 60, y: 252 });
  expect(labelPlace(box(100, 80), label, room)).toEqual({ x: 60, y: 208 });
  const card = { x: 40, y: 200, width: 350, height: 95 };
  const tools = { x: 0, y: 425, width: 390, height: 135 };
  expect(labelPlace(box(260, 300), label, { free, panels: [card, tools] })).toEqual({ x: 52, y: 340 });
  const whole = { x: -100, y: -100, width: 900, height: 900 };
  const header = { x: 0, y: 60, width: 390, height: 90 };
  expect(labelPlace(whole, label, { free, panels: [header] })).toEqual({ x: 182, y: 512 });
  fc.assert(
    fc.property(fc.integer({ min: -200, max: 600 }), fc.integer({ min: -200, max: 900 }), (x, y) => {
      const place = labelPlace(box(x, y), label, { free, panels: [card] });
      expect(place.x).toBeGreaterThanOrEqual(free.x);
      expect(place.y).toBeGreaterThanOrEqual(free.y);
      expect(place.x + label.width).toBeLessThanOrEqual(free.x + free.width);
      expect(place.y + label.height).toBeLessThanOrEqual(free.y + free.height);
    }),
  );
});
