import { expect, test } from 'vitest';
import { Turns } from '../server/turns.ts';

test('work runs one piece after another, in order of arrival, and each caller gets its own result', async () => {
  const turns = new Turns();
  const heard: string[] = [];
  const piece = (name: string) => async (): Promise<string> => {
    heard.push(`${name} begins`);
    await Promise.resolve();
    heard.push(`${name} ends`);
    return name;
  };
  expect(await Promise.all([turns.take(piece('a')), turns.take(piece('b'))])).toEqual(['a', 'b']);
  expect(heard).toEqual(['a begins', 'a ends', 'b begins', 'b ends']);
});

test('a piece that fails rejects for its caller only, and the next one runs', async () => {
  const turns = new Turns();
  const failed = turns.take(() => Promise.reject(new Error('no')));
  const next = turns.take(async () => 'done');
  await expect(failed).rejects.toThrow('no');
  expect(await next).toBe('done');
});
