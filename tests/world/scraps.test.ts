import { beforeAll, expect, test } from 'vitest';
import { matureCells } from '../../server/world/mature.ts';
import { isScrap, SCRAP_SHARE } from '../../server/world/scraps.ts';
import { loadBlob } from './makeWorld.ts';

beforeAll(loadBlob);

test('what is left is a scrap below a twentieth of the mature form, if there was more before', async () => {
  const { mature } = await loadBlob();
  const least = SCRAP_SHARE * matureCells(mature);
  expect(least).toBe(matureCells(mature) / 20);
  expect(isScrap(least, least - 0.1, mature)).toBe(true);
  expect(isScrap(least, least, mature)).toBe(false);
  expect(isScrap(least - 0.1, least - 0.2, mature)).toBe(false);
});
