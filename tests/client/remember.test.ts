import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { recall, remember } from '../../client/remember.ts';

const kept = new Map<string, string>();
const at = (href: string): void => void vi.stubGlobal('location', { href });

beforeEach(() => {
  kept.clear();
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => kept.set(key, value),
  });
});
afterEach(() => void vi.unstubAllGlobals());

test('worlds under different paths of one site know their own guests, whatever a link adds', () => {
  at('https://example.org/');
  remember('token', 'of the root');
  at('https://example.org/regrow/?from=a#1,2,8');
  expect(recall('token')).toBeNull();
  remember('token', 'of the path');
  at('https://example.org/regrow/index.html');
  expect(recall('token')).toBe('of the path');
  at('https://example.org/#3,4,8');
  expect(recall('token')).toBe('of the root');
  expect([...kept.keys()]).toContain('regrow.token');
});

test('in the worlds of one lobby, a person has one name and one theme, and is a guest of each', () => {
  at('https://example.org/regrow/w/meadow/');
  remember('token', 'of the meadow');
  remember('name', 'Ash');
  at('https://example.org/regrow/w/reef/#1,2,8');
  expect(recall('token')).toBeNull();
  expect(recall('name')).toBe('Ash');
  at('https://example.org/regrow/');
  expect(recall('name')).toBe('Ash');
  at('https://example.org/w/reef/');
  expect(recall('name')).toBeNull();
});

test('a browser that refuses to keep anything is no error', () => {
  at('https://example.org/');
  vi.stubGlobal('localStorage', undefined);
  remember('token', 'lost');
  expect(recall('token')).toBeNull();
});
