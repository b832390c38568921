import { expect, test } from 'vitest';
import { ViewportNews } from '../../../client/net/viewportNews.ts';

const WORLD = { width: 1_024, height: 1_024 };
const at = (x: number, level = 0) => ({ x, y: 100, width: 200, height: 100, level });

test('a viewport is told at once when it touches other pages, else once per second', () => {
  const news = new ViewportNews();
  expect(news.isDue(at(100), WORLD, 0)).toBe(true);
  expect(news.isDue(at(104), WORLD, 120)).toBe(false);
  expect(news.isDue(at(108), WORLD, 999)).toBe(false);
  expect(news.isDue(at(108), WORLD, 1_000)).toBe(true);
  expect(news.isDue(at(172), WORLD, 1_120)).toBe(true);
  expect(news.isDue(at(172, 1), WORLD, 1_240)).toBe(true);
});

test('the last viewport of a pan is told, and then nothing more', () => {
  const news = new ViewportNews();
  news.isDue(at(100), WORLD, 0);
  expect(news.isDue(at(103), WORLD, 120)).toBe(false);
  const told = Array.from({ length: 40 }, (_, n) => news.isDue(at(103), WORLD, 240 + n * 120));
  expect(told.filter(Boolean).length).toBe(1);
});

test('a new connection is told of the viewport, whatever the last one knew', () => {
  const news = new ViewportNews();
  news.isDue(at(100), WORLD, 0);
  news.forget();
  expect(news.isDue(at(100), WORLD, 1)).toBe(true);
});
