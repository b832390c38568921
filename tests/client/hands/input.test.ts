import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { PointerInput } from '../../../client/hands/input.ts';

/** A surface whose top left corner is at (100, 50) of the page. */
class Surface extends EventTarget {
  getBoundingClientRect(): { left: number; top: number } {
    return { left: 100, top: 50 };
  }
  setPointerCapture(): void {}
}

interface PointerFields {
  readonly pointerId?: number;
  readonly pointerType?: string;
  readonly button?: number;
}

function setUp(dragPans = false) {
  const surface = new Surface();
  const done: string[] = [];
  const say =
    (name: string) =>
    (...values: unknown[]): void =>
      void done.push([name, ...values.map((value) => place(value))].join(' '));
  const input = new PointerInput(surface as unknown as HTMLElement, {
    dragPans: () => dragPans,
    pan: say('pan'),
    zoom: (at, factor) => say('zoom')(at, Number(factor.toFixed(3))),
    hover: say('hover'),
    toolDown: say('down'),
    toolMove: say('move'),
    toolUp: say('up'),
    toolCancel: say('cancel'),
    tap: say('tap'),
    panning: say('panning'),
  });
  const send = (type: string, fields: object): Event => {
    const event = Object.assign(new Event(type, { cancelable: true }), fields);
    surface.dispatchEvent(event);
    return event;
  };
  /** @param x - in pixels of the surface, as is `y` */
  const pointer = (type: string, x: number, y: number, fields: PointerFields = {}): void =>
    void send(`pointer${type}`, {
      ...{ pointerId: 1, pointerType: 'mouse', button: 0, clientX: x + 100, clientY: y + 50 },
      ...fields,
    });
  const finger = (type: string, pointerId: number, x: number, y: number): void =>
    pointer(type, x, y, { pointerId, pointerType: 'touch' });
  const take = (): string[] => done.splice(0);
  return { input, send, pointer, finger, take };
}

function place(value: unknown): unknown {
  if (value === null || typeof value !== 'object') return value;
  const { x, y } = value as { x: number; y: number };
  return `${x},${y}`;
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('a mouse', () => {
  test('uses the tool from press to release, in pixels of the surface', () => {
    const { pointer, take } = setUp();
    pointer('down', 10, 10);
    pointer('move', 30, 10);
    pointer('up', 30, 10);
    expect(take()).toEqual(['down 10,10', 'move 30,10', 'hover 30,10', 'up']);
  });

  test('that does not move between press and release taps', () => {
    const { pointer, take } = setUp();
    pointer('down', 10, 10);
    pointer('move', 13, 10);
    pointer('up', 13, 10);
    expect(take().slice(-2)).toEqual(['up', 'tap 13,10']);
  });

  test('that moves more than 5 pixels does not tap', () => {
    const { pointer, take } = setUp();
    pointer('down', 10, 10);
    pointer('move', 16, 10);
    pointer('up', 16, 10);
    expect(take().at(-1)).toBe('up');
  });

  test.each<[string, boolean, PointerFields, boolean]>([
    ['the hand is chosen', true, {}, false],
    ['its right button is pressed', false, { button: 2 }, false],
    ['space is held', false, {}, true],
  ])('pans when %s', (_when, dragPans, fields, isSpaceHeld) => {
    const { input, pointer, take } = setUp(dragPans);
    input.isSpaceHeld = isSpaceHeld;
    pointer('down', 10, 10, fields);
    pointer('move', 30, 5, fields);
    pointer('up', 30, 5, fields);
    expect(take()).toEqual(['panning true', 'pan 20 -5', 'hover 30,5', 'panning false']);
  });

  test('hovers without a button, until it leaves', () => {
    const { pointer, take } = setUp();
    pointer('move', 10, 10);
    pointer('leave', 0, 0);
    expect(take()).toEqual(['hover 10,10', 'hover ']);
  });

  test('follows the path that the browser has merged into one event', () => {
    const { pointer, send, take } = setUp();
    pointer('down', 10, 10);
    take();
    const at = (x: number): object => ({ clientX: x + 100, clientY: 60 });
    const fields = { pointerId: 1, pointerType: 'mouse', ...at(40) };
    send('pointermove', { ...fields, getCoalescedEvents: () => [at(20), at(30), at(40)] });
    expect(take()).toEqual(['move 20,10', 'move 30,10', 'move 40,10', 'hover 40,10']);
  });
});

describe('a finger', () => {
  test('uses the tool once it has stayed down for 90 ms, where it was put down', () => {
    const { finger, take } = setUp();
    finger('down', 1, 10, 10);
    vi.advanceTimersByTime(80);
    expect(take()).toEqual([]);
    vi.advanceTimersByTime(20);
    expect(take()).toEqual(['down 10,10']);
  });

  test('uses the tool at once when it moves more than 7 pixels, and when it is lifted', () => {
    const { finger, take } = setUp();
    finger('down', 1, 10, 10);
    finger('move', 1, 17, 10);
    expect(take()).toEqual([]);
    finger('move', 1, 20, 10);
    expect(take()).toEqual(['down 10,10', 'move 20,10']);
    finger('up', 1, 20, 10);
    finger('down', 1, 50, 50);
    take();
    finger('up', 1, 50, 50);
    expect(take()).toEqual(['down 50,50', 'up', 'tap 50,50', 'hover ']);
  });

  test('that the browser takes away cancels the tool', () => {
    const { finger, take } = setUp();
    finger('down', 1, 10, 10);
    finger('move', 1, 20, 10);
    take();
    finger('cancel', 1, 20, 10);
    expect(take()).toEqual(['cancel', 'hover ']);
  });
});

describe('two fingers', () => {
  test('pan and zoom about their middle, and cancel the tool that the first began', () => {
    const { finger, take } = setUp();
    finger('down', 1, 0, 100);
    finger('move', 1, 100, 100);
    take();
    finger('down', 2, 200, 100);
    expect(take()).toEqual(['cancel', 'panning true']);
    finger('move', 2, 300, 100);
    expect(take()).toEqual(['pan 50 0', 'zoom 200,100 2']);
  });

  test('never use the tool when the second comes within 90 ms', () => {
    const { finger, take } = setUp();
    finger('down', 1, 100, 100);
    finger('down', 2, 200, 100);
    vi.advanceTimersByTime(1_000);
    finger('up', 1, 100, 100);
    // The finger that stays pans.
    finger('move', 2, 190, 100);
    finger('up', 2, 190, 100);
    expect(take()).toEqual(['panning true', 'pan -10 0', 'panning false', 'hover ']);
  });
});

describe('a wheel', () => {
  const wheel = { deltaX: 0, deltaY: 0, deltaMode: 0, clientX: 100, clientY: 50 };

  test('zooms in when turned up, by one factor per notch in pixels or lines, and does not scroll the page', () => {
    const { send, take } = setUp();
    const event = send('wheel', { ...wheel, deltaY: -99 });
    expect(event.defaultPrevented).toBe(true);
    send('wheel', { ...wheel, deltaY: -3, deltaMode: 1 });
    const [pixels, lines] = take();
    expect(pixels).toBe('zoom 0,0 1.172');
    expect(lines).toBe(pixels);
  });

  test('with Ctrl, as a pinch on a touchpad comes, zooms seven times as much per unit', () => {
    const { send, take } = setUp();
    send('wheel', { ...wheel, deltaY: -10, ctrlKey: true });
    send('wheel', { ...wheel, deltaY: -70 });
    expect(take()).toEqual(['zoom 0,0 1.116', 'zoom 0,0 1.119']);
  });

  test('pans with Shift', () => {
    const { send, take } = setUp();
    send('wheel', { ...wheel, deltaY: 100, shiftKey: true });
    expect(take()).toEqual(['pan -100 0']);
  });
});

test('after dispose nothing is heard', () => {
  const { input, pointer, finger, take } = setUp();
  finger('down', 1, 10, 10);
  input.dispose();
  vi.advanceTimersByTime(1_000);
  pointer('move', 10, 10);
  expect(take()).toEqual([]);
});
