/** How many species a world has, and how one leaves it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { serializeRule } from '../../server/rules/format.ts';
import { type LoadedRule, MAX_SPECIES } from '../../server/world/ruleSlots.ts';
import { startRules } from '../../server/world/startRules.ts';
import { blobRule } from './blob.ts';
import { grown, loadBlob, makeWorld, plant, type SmallWorld, stroke } from './makeWorld.ts';

let blob: LoadedRule;
beforeAll(async () => {
  blob = await loadBlob();
});

const loaded = (name: string, version = 1): LoadedRule => ({
  ...blob,
  rule: { ...blob.rule, name },
  card: { ...blob.card, name },
  sha256: `${name} ${version}`,
  label: `${name} v${version}`,
});
const swap = (small: SmallWorld, id: number, next: LoadedRule) =>
  small.world.swap({ id, species: next.card.name, scope: 'species', who: 'Ann' }, next);
const cards = ({ world }: SmallWorld): string[] => world.rules.cards.map(({ name }) => name);

describe('a full table', () => {
  test('takes no further species, says so at once, and still swaps the rules of those it has', async () => {
    const names = Array.from({ length: MAX_SPECIES }, (_, i) => `blob-${i}`);
    const small = await makeWorld(128, 64, names);
    expect(await swap(small, 1, loaded('one-more'))).toEqual({
      ok: false,
      reason: `the world has ${MAX_SPECIES} species, which is the most it may have: remove one first`,
    });
    expect(await swap(small, 2, loaded('blob-7', 2))).toMatchObject({ ok: true });
    small.world.removals.removeSpecies('blob-3');
    expect(await swap(small, 3, loaded('one-more'))).toMatchObject({ ok: true });
    expect(cards(small)).toHaveLength(MAX_SPECIES);
  });

  test('of rule files stops a start with words, before a body is grown', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'regrow-species-'));
    try {
      for (let i = 0; i <= MAX_SPECIES; i++)
        writeFileSync(join(folder, `${i}.safetensors`), serializeRule(blobRule(`blob-${i}`)));
      const start = startRules({ weightsDir: folder, dataDir: join(folder, 'data') }, async () => {
        throw new Error('a body was grown');
      });
      await expect(start).rejects.toThrow(
        `${MAX_SPECIES + 1} species are in ${folder} and the registry; a world holds at most ${MAX_SPECIES}`,
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('a species that is removed', () => {
  test('cannot be planted, its bodies dissolve, and the others live', async () => {
    const small = await grown([30, 30]);
    expect(await swap(small, 1, loaded('other'))).toMatchObject({ ok: true });
    expect(await stroke(small, plant(90, 30, 'other'))).toMatchObject({ ok: true });
    const told: string[][] = [];
    small.world.onSpecies = (species) => told.push(species.map(({ name }) => name));
    expect(small.world.removals.removeSpecies('other')).toBe(1);
    expect(told).toEqual([['blob']]);
    expect(small.world.overview.population()).toEqual({ blob: 1, other: 1 });
    expect(await stroke(small, plant(60, 30, 'other'))).toMatchObject({ ok: false });
    expect(small.world.overview.summaries().map(({ species, absence }) => [species, absence])).toEqual([
      ['blob', undefined],
      ['other', 'removed'],
    ]);
  });

  test('takes its watched swap with it, which comes to nothing', async () => {
    const small = await grown([30, 30]);
    const outcomes: string[] = [];
    small.world.swaps.onOutcome = ({ verdict, reason }) => outcomes.push(`${verdict}: ${reason}`);
    await swap(small, 1, loaded('other'));
    expect(small.world.removals.removeSpecies('other')).toBe(0);
    expect(outcomes).toEqual(['superseded: the species was removed']);
    expect(cards(small)).toEqual(['blob']);
    expect(small.world.removals.removeSpecies('other')).toBe(0);
  });
});
