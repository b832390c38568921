import { describe, expect, test } from 'vitest';
import { mayBeWorld, wayHome, withSlash, worldPathOf } from '../../server/http/worldPaths.ts';

describe('what is below /w/', () => {
  test.each([
    ['/w/meadow/', 'meadow', '/'],
    ['/w/meadow/api/world.png?x=1&y=2', 'meadow', '/api/world.png?x=1&y=2'],
    ['/w/meadow/?from=a', 'meadow', '/?from=a'],
    ['/w/meadow//evil.example/', 'meadow', '//evil.example/'],
    ['/w/meadow/w/reef/', 'meadow', '/w/reef/'],
  ])('%s is of the world %s, as if it were the only one', (url, name, rest) => {
    expect(worldPathOf(url)).toMatchObject({ name, rest });
  });

  test('lacks a slash where the name ends', () => {
    expect(worldPathOf('/w/meadow')).toEqual({ name: 'meadow', rest: null, query: '' });
    expect(withSlash(worldPathOf('/w/meadow?a=b')!)).toBe('meadow/?a=b');
  });

  test.each(['/', '/w', '/wide/', '/api/w/meadow/', 'w/meadow/'])('%s is not', (url) => {
    expect(worldPathOf(url)).toBeNull();
  });

  test.each(['/w//', '/w/../', '/w/Meadow/', '/w/a.b/', '/w/%6deadow/', `/w/${'x'.repeat(33)}/`])(
    '%s names no world that there could be',
    (url) => {
      expect(mayBeWorld(worldPathOf(url)!)).toBe(false);
    },
  );
});

test.each([
  ['/w/meadow', '/'],
  ['/w/meadow/', '/'],
  ['/w/meadow/admin/', '/admin/'],
  ['/w/meadow/api/world.png', '/api/world.png'],
])('from %s the only world is at %s', (from, to) => {
  for (const site of ['http://a', 'http://a/proxied'])
    expect(new URL(wayHome(from), `${site}${from}`).href).toBe(`${site}${to}`);
});
