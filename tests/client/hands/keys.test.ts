import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Keys } from '../../../client/hands/keys.ts';

/** An element whose only ancestor of interest is of one kind: a button, or a text field. */
class FakeElement {
  readonly #kind: string;
  constructor(kind: string) {
    this.#kind = kind;
  }
  closest(selector: string): FakeElement | null {
    return selector.split(/, */).includes(this.#kind) ? this : null;
  }
}

/** A dialog that covers the page; null: there is none. */
let dialog: object | null = null;
/** Frames of the screen come every 20 ms of the faked clock. */
const FRAME_MS = 20;

beforeEach(() => {
  dialog = null;
  vi.useFakeTimers();
  vi.stubGlobal('window', new EventTarget());
  vi.stubGlobal('Element', FakeElement);
  vi.stubGlobal('document', { querySelector: () => dialog });
  vi.stubGlobal('requestAnimationFrame', (draw: (now: number) => void) =>
    Number(setTimeout(() => draw(performance.now()), FRAME_MS)),
  );
  vi.stubGlobal('cancelAnimationFrame', (frame: number) => clearTimeout(frame));
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

function setUp() {
  const done: string[] = [];
  const moved = { x: 0, y: 0, zoom: 1 };
  const say =
    (name: string) =>
    (...values: unknown[]): void =>
      void done.push([name, ...values].join(' '));
  const keys = new Keys({
    pan: (dx, dy) => {
      moved.x += dx;
      moved.y += dy;
    },
    zoom: (factor) => {
      moved.zoom *= factor;
    },
    tool: say('tool'),
    size: say('size'),
    use: say('use'),
    space: say('space'),
    help: say('help'),
    escape: say('escape'),
    home: say('home'),
  });
  const send = (type: string, fields: object, target?: FakeElement): Event => {
    const event = Object.assign(new Event(type, { cancelable: true }), fields);
    if (target !== undefined) Object.defineProperty(event, 'target', { value: target });
    window.dispatchEvent(event);
    return event;
  };
  return { keys, done, moved, send };
}

describe('a held key', () => {
  test('pans 900 pixels per second until it is let go', () => {
    const { moved, send } = setUp();
    send('keydown', { key: 'd', code: 'KeyD' });
    vi.advanceTimersByTime(1_000);
    expect(moved.x).toBeCloseTo(-900, 6);
    send('keyup', { key: 'd', code: 'KeyD' });
    vi.advanceTimersByTime(1_000);
    expect(moved.x).toBeCloseTo(-900, 6);
    expect(moved.y).toBe(0);
  });

  test('zooms by a factor of 3.2 per second, and out again', () => {
    const { moved, send } = setUp();
    send('keydown', { key: '+', code: 'BracketRight' });
    vi.advanceTimersByTime(1_000);
    send('keyup', { key: '+', code: 'BracketRight' });
    expect(moved.zoom).toBeCloseTo(3.2, 6);
    send('keydown', { key: '-', code: 'Slash' });
    vi.advanceTimersByTime(1_000);
    expect(moved.zoom).toBeCloseTo(1, 6);
  });

  test('is let go when the window loses the focus', () => {
    const { moved, done, send } = setUp();
    send('keydown', { key: 'w', code: 'KeyW' });
    send('blur', {});
    vi.advanceTimersByTime(1_000);
    expect(moved).toEqual({ x: 0, y: 0, zoom: 1 });
    expect(done).toEqual(['space false']);
  });
});

describe('a key that acts once', () => {
  test.each([
    ['1', 'tool hand'],
    ['5', 'tool plant'],
    ['[', 'size -1'],
    [']', 'size 1'],
    ['?', 'help'],
    ['0', 'home'],
    ['Home', 'home'],
    ['Escape', 'escape'],
    ['Enter', 'use'],
    [' ', 'space true'],
  ])('%j does: %s', (key, action) => {
    const { done, send } = setUp();
    expect(send('keydown', { key, code: '' }).defaultPrevented).toBe(true);
    expect(done).toEqual([action]);
  });

  test('is left to the browser when it is not one of ours, or comes with Ctrl, Alt or Meta', () => {
    const { done, moved, send } = setUp();
    expect(send('keydown', { key: 'x', code: 'KeyX' }).defaultPrevented).toBe(false);
    for (const modifier of ['ctrlKey', 'altKey', 'metaKey'])
      expect(send('keydown', { key: '0', code: 'Digit0', [modifier]: true }).defaultPrevented).toBe(false);
    vi.advanceTimersByTime(1_000);
    expect(done).toEqual([]);
    expect(moved.zoom).toBe(1);
  });

  test('does nothing while the player types', () => {
    const { done, moved, send } = setUp();
    for (const kind of ['input', 'dialog[open]']) {
      send('keydown', { key: '2', code: 'Digit2' }, new FakeElement(kind));
      send('keydown', { key: 'a', code: 'KeyA' }, new FakeElement(kind));
    }
    vi.advanceTimersByTime(1_000);
    expect(done).toEqual([]);
    expect(moved.x).toBe(0);
  });

  test('is left to a dialog that covers the world, also when nothing in it has the focus', () => {
    const { done, moved, send } = setUp();
    dialog = {};
    expect(send('keydown', { key: 'Escape', code: 'Escape' }).defaultPrevented).toBe(false);
    expect(send('keydown', { key: 'a', code: 'KeyA' }).defaultPrevented).toBe(false);
    vi.advanceTimersByTime(1_000);
    expect(done).toEqual([]);
    expect(moved.x).toBe(0);
  });

  test('on a button: Enter and Space press it, and other keys act', () => {
    const { done, send } = setUp();
    for (const key of ['Enter', ' ', '3']) send('keydown', { key, code: '' }, new FakeElement('button'));
    expect(done).toEqual(['tool noise']);
  });
});

test('after dispose nothing is heard', () => {
  const { keys, done, moved, send } = setUp();
  send('keydown', { key: 'w', code: 'KeyW' });
  keys.dispose();
  done.length = 0;
  send('keydown', { key: '1', code: 'Digit1' });
  vi.advanceTimersByTime(1_000);
  expect(done).toEqual([]);
  expect(moved.y).toBe(0);
});
