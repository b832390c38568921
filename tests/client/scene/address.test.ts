import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Address } from '../../../client/scene/address.ts';
import type { Camera } from '../../../client/scene/camera.ts';

/** Longer than the address waits for a camera that moves. */
const RESTED_MS = 1000;
const HERE: Camera = { x: 349, y: 315, zoom: 4.5 };

let place: { hash: string };
let address: Address;
const went: Camera[] = [];

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('window', new EventTarget());
  place = { hash: '' };
  vi.stubGlobal('location', place);
  vi.stubGlobal('history', {
    replaceState: (_state: unknown, _title: string, hash: string) => {
      place.hash = hash;
    },
  });
  went.length = 0;
  address = new Address((camera) => went.push(camera));
});
afterEach(() => {
  address.dispose();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** The browser changes the address at once and tells of it later, as browsers do. */
const edit = (hash: string): void => {
  place.hash = hash;
};
const tellOfEdit = (): void => {
  window.dispatchEvent(new Event('hashchange'));
};

describe('the address', () => {
  test('names the camera once it rests, and not while it moves', () => {
    for (let i = 0; i < 5; i++) {
      address.show({ ...HERE, x: i });
      vi.advanceTimersByTime(200);
      expect(place.hash).toBe('');
    }
    vi.advanceTimersByTime(RESTED_MS);
    expect(place.hash).toBe('#4,315,4.5');
  });

  test('leads there when it is edited', () => {
    edit('#100,120,8');
    tellOfEdit();
    expect(went).toEqual([{ x: 100, y: 120, zoom: 8 }]);
  });

  test.each(['#100,120,8', '#draw=abc'])(
    'is not written over between an edit, %s, and the word of it',
    (hash) => {
      address.show(HERE);
      edit(hash);
      vi.advanceTimersByTime(RESTED_MS);
      expect(place.hash).toBe(hash);
      tellOfEdit();
      expect(went.length).toBe(hash.startsWith('#draw') ? 0 : 1);
    },
  );

  test('names the camera again after an edit that leads nowhere, or that the page has taken away itself', () => {
    address.show(HERE);
    edit('#nowhere');
    tellOfEdit();
    vi.advanceTimersByTime(RESTED_MS);
    expect(place.hash).toBe('#349,315,4.5');
    edit('');
    address.show({ ...HERE, x: 1 });
    vi.advanceTimersByTime(RESTED_MS);
    expect(place.hash).toBe('#1,315,4.5');
  });
});
