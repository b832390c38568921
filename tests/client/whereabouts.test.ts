import { expect, test } from 'vitest';
import { whereaboutsOf } from '../../client/whereabouts.ts';

test.each([
  ['http://a/', null, 'http://a/'],
  ['http://a/#1,2,8', null, 'http://a/'],
  ['http://a/w/meadow/#1,2,8', 'meadow', 'http://a/'],
  ['http://a/w/meadow/?x=y', 'meadow', 'http://a/'],
  ['https://a/regrow/w/coral-reef/', 'coral-reef', 'https://a/regrow/'],
  ['https://a/regrow/', null, 'https://a/regrow/'],
  // Nothing is called so, but the lobby is where it always is.
  ['http://a/w/Not%20one/', null, 'http://a/'],
  ['http://a/how/meadow/', null, 'http://a/how/meadow/'],
])('%s is of the world %s, whose lobby is %s', (href, world, lobby) => {
  expect(whereaboutsOf(href)).toEqual({ world, lobby });
});
