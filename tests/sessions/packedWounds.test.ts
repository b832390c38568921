import { expect, test } from 'vitest';
import { PackedWounds } from '../../server/sessions/packedWounds.ts';
import type { Wound } from '../../server/world/wound.ts';

const wound = (n: number): Wound => ({
  species: 'gengar',
  rule: 'gengar@1',
  blows: Array.from({ length: n % 5 }, (_, i) => ({
    afterSteps: i,
    tool: 'ablate',
    radius: 3.5 + n / 7,
    points: [n, -n],
  })),
  healthBefore: 1,
  healthLeast: 1 / 3,
  healthAfter: 0.9,
  healedInSteps: n % 2 === 0 ? null : n,
});

test('wounds come back as they were and in order, however many there are', () => {
  for (const count of [0, 1, 63, 64, 65, 200]) {
    const packed = new PackedWounds();
    const wounds = Array.from({ length: count }, (_, n) => wound(n));
    for (const one of wounds) packed.push(one);
    expect(packed.length).toBe(count);
    expect(packed.unpack()).toEqual(wounds);
  }
});
