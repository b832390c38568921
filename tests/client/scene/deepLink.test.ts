import { describe, expect, test } from 'vitest';
import { formatLink, parseLink } from '../../../client/scene/deepLink.ts';

describe('deep links', () => {
  test('are read as they were written, to the cell, and have zoom 6 when they name none', () => {
    expect(parseLink(formatLink({ x: 512.4, y: 80, zoom: 6.25 }))).toEqual({ x: 512, y: 80, zoom: 6.25 });
    expect(parseLink('#10,20')).toEqual({ x: 10, y: 20, zoom: 6 });
  });

  test.each(['', '#', '#a,b,c', '#1', '#1,2,0', '#1,2,-3', '#1,2,3,4', '#NaN,1,1', '#1e9,2,3'])(
    'are not read from %j',
    (hash) => expect(parseLink(hash)).toBeNull(),
  );
});
