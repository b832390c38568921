import { expect, test } from 'vitest';
import { answerText, sendFault } from '../../../client/draw/sendPanel.ts';

test('what cannot grow, has no name or is not free is not sent, and the reason is told', () => {
  const owl = { name: 'Owl', canGrow: true };
  expect(sendFault(owl, true)).toBeNull();
  expect(sendFault({ ...owl, canGrow: false }, true)).toMatch(/cannot grow yet/);
  expect(sendFault({ ...owl, name: ' ' }, true)).toMatch(/needs a name/);
  expect(sendFault(owl, false)).toMatch(/your own, or free/);
});

test('an answer says the place, the time and who looks at it, as far as they are known', () => {
  expect(answerText({ reason: 'The queue is full.' }, 'open')).toBe('The queue is full.');
  expect(answerText({ reason: null }, 'open')).toBe('It waits to be learned.');
  expect(answerText({ reason: null, before: 0, waitSeconds: 20 }, 'open')).toBe(
    'It waits to be learned. It is next. About 1 min until it is planted.',
  );
  expect(answerText({ reason: null, before: 3, waitSeconds: 640 }, 'approve')).toBe(
    'It waits to be learned. 3 before it. About 11 min until it is planted. A moderator looks at it first.',
  );
});
