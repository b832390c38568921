import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FolderBlobs } from '../../server/store/folderBlobs.ts';
import { News, readNews, removeNews, sayWatched, Watchers } from '../../server/workers/news.ts';

let folder: string;
let blobs: FolderBlobs;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'regrow-news-'));
  blobs = new FolderBlobs(folder);
});
afterEach(() => rmSync(folder, { recursive: true }));

const progress = (done: number): { type: string; done: number } => ({ type: 'progress', done });
const film = (characters: number): { type: string; png: string } => ({
  type: 'film',
  png: 'x'.repeat(characters),
});

/** Reads as an owner does: what it has not read before. */
function reader(): () => Promise<unknown[]> {
  let told = 0;
  return async () => {
    const news = await readNews(blobs, 'job-news', told);
    told = news.at(-1)?.number ?? told;
    return news.map(({ message }) => message);
  };
}

test('the newest message of each type is told, the oldest first, and each of them once', async () => {
  const news = new News(blobs, 'job-news');
  const read = reader();
  const stage = { type: 'stage', stage: 'preparing' };
  const line = { type: 'log', line: 'moss grows' };
  for (const message of [stage, line, progress(1), progress(2)]) news.add(message);
  await news.send();
  expect(await read()).toEqual([stage, line, progress(2)]);
  expect(await read()).toEqual([]);
  news.add(progress(3));
  const judging = { type: 'stage', stage: 'judging' };
  news.add(judging);
  await news.send();
  // Else the stage would seem to be the one before, and the line would be logged with every step.
  expect(await read()).toEqual([progress(3), judging]);
});

test('what a worker says that took the job over is told, too', async () => {
  const read = reader();
  const first = new News(blobs, 'job-news');
  for (let done = 1; done <= 9; done++) first.add(progress(done));
  await first.send();
  expect(await read()).toEqual([progress(9)]);
  await new Promise((resolve) => setTimeout(resolve, 20));
  const second = new News(blobs, 'job-news');
  second.add(progress(4));
  await second.send();
  expect(await read()).toEqual([progress(4)]);
});

test('a film has a blob of its own, the newest alone is kept, and one of more than 2 MB is not sent', async () => {
  const news = new News(blobs, 'job-news');
  const read = reader();
  news.add(progress(1));
  news.add(film(1_000_000));
  await news.send();
  expect(await read()).toEqual([progress(1), film(1_000_000)]);
  news.add(film(1_500_000));
  news.add(film(3_000_000));
  await news.send();
  expect(await read()).toEqual([film(1_500_000)]);
  expect(
    readdirSync(folder)
      .filter((name) => name !== '.aside')
      .sort(),
  ).toEqual(['job-news', 'job-news-film']);
  await removeNews(blobs, 'job-news');
  expect(readdirSync(folder).filter((name) => name !== '.aside')).toEqual([]);
});

test('what the blob store did not take is sent with the next try', async () => {
  const put = blobs.put.bind(blobs);
  blobs.put = async () => {
    throw new Error('the store is full');
  };
  const news = new News(blobs, 'job-news');
  news.add(film(10_000));
  await expect(news.send()).rejects.toThrow('the store is full');
  blobs.put = put;
  await news.send();
  expect(await reader()()).toEqual([film(10_000)]);
});

test('a type that could be a path names no blob', async () => {
  const news = new News(blobs, 'job-news');
  news.add({ type: '../escape', text: 'x'.repeat(10_000) } as { type: string });
  await news.send();
  expect([readdirSync(folder), existsSync(join(folder, '../escape'))]).toEqual([[], false]);
});

test('a job is watched from when that is said until it is taken back, or has not been said again for 30 s', async () => {
  const watchers = new Watchers(blobs, 'job-watch');
  expect(await watchers.areThere(0)).toBe(false);
  await sayWatched(blobs, 'job-watch', true);
  expect(await watchers.areThere(1_000)).toBe(true);
  expect(await watchers.areThere(30_000)).toBe(true);
  // The owner has died.
  expect(await watchers.areThere(31_001)).toBe(false);
  await new Promise((resolve) => setTimeout(resolve, 5));
  await sayWatched(blobs, 'job-watch', true);
  expect(await watchers.areThere(40_000)).toBe(true);
  await sayWatched(blobs, 'job-watch', false);
  expect(await watchers.areThere(41_000)).toBe(false);
});
