import { describe, expect, test } from 'vitest';
import { Random } from '../../server/training/random.ts';
import { WOUNDS, Wounds } from '../../server/training/wounds.ts';

const state = (value: number): Float32Array => Float32Array.of(value);
/** A bank whose usual loss is about 1. */
function calm(): Wounds {
  const wounds = new Wounds();
  for (let i = 0; i < 200; i++) wounds.healed(state(0), 1);
  return wounds;
}

describe('wounds that healed badly', () => {
  test('are kept, those that healed as usual are not', () => {
    const wounds = calm();
    expect(wounds.count).toBe(0);
    expect(wounds.draw(new Random(1))).toBeNull();
    wounds.healed(state(7), 1.5);
    expect(wounds.count).toBe(0);
    wounds.healed(state(7), 3);
    expect(wounds.draw(new Random(1))?.state).toEqual(state(7));
  });

  test('are copied, so that the rollout does not heal them in the bank', () => {
    const wounds = calm();
    const fresh = state(7);
    wounds.healed(fresh, 9);
    fresh.fill(0);
    expect(wounds.draw(new Random(1))?.state).toEqual(state(7));
  });

  test('are dropped when they heal, and given up in the end', () => {
    const wounds = calm();
    wounds.healed(state(7), 9);
    wounds.triedAgain(wounds.draw(new Random(1))!, 1);
    expect(wounds.count).toBe(0);
    wounds.healed(state(8), 9);
    const hopeless = wounds.draw(new Random(1))!;
    for (let i = 1; i < WOUNDS.mostTries; i++) wounds.triedAgain(hopeless, 9);
    expect(wounds.count).toBe(1);
    wounds.triedAgain(hopeless, 9);
    expect(wounds.count).toBe(0);
  });

  test('are bounded: of too many the mildest goes, and a milder one does not come in', () => {
    const wounds = calm();
    for (let i = 0; i < WOUNDS.most; i++) wounds.healed(state(i), 50 + i);
    wounds.healed(state(99), 500);
    wounds.healed(state(98), 40);
    expect(wounds.count).toBe(WOUNDS.most);
    const held = wounds.state.wounds.map(({ state }) => state[0]);
    expect(held).not.toContain(0);
    expect(held).not.toContain(98);
    expect(held).toContain(99);
  });

  test('go on from a snapshot as if nothing had been', () => {
    const wounds = calm();
    wounds.healed(state(7), 9);
    const again = new Wounds(structuredClone(wounds.state));
    for (const bank of [wounds, again]) bank.healed(state(8), 5);
    expect(again.state).toEqual(wounds.state);
  });
});
