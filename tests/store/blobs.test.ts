import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Blobs } from '../../server/store/blobs.ts';
import { openBlobs } from '../../server/store/openBlobs.ts';
import { S3Double } from './s3Double.ts';

const NO_S3 = { endpoint: '', region: '', key: '', secret: '' };
let folder: string;
let bucket: S3Double;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'regrow-blobs-'));
  bucket = await S3Double.start('KEY');
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await bucket.stop();
});

const inBucket = (): Promise<Blobs> =>
  openBlobs('s3://bucket/some/prefix/', {
    endpoint: `${bucket.endpoint}/`,
    region: 'eu-test-1',
    key: 'KEY',
    secret: 'SECRET',
  });

describe.each<[string, () => Promise<Blobs>]>([
  ['a folder', () => openBlobs(folder, NO_S3)],
  ['S3', inBucket],
])('blobs in %s', (_name, open) => {
  test('are read in part and whole, and end where they end', async () => {
    const blobs = await open();
    await blobs.put('world/1-0', Buffer.from('0123456789'));
    expect(String(Buffer.from(await blobs.get('world/1-0', 0, 10)))).toBe('0123456789');
    expect(String(Buffer.from(await blobs.get('world/1-0', 3, 4)))).toBe('3456');
    expect(String(Buffer.from(await blobs.get('world/1-0', 8, 100)))).toBe('89');
    expect(await blobs.get('world/1-0', 10, 5)).toHaveLength(0);
    expect(await blobs.get('world/1-0', 2, 0)).toHaveLength(0);
  });

  test('that are removed are missing, and may be removed again', async () => {
    const blobs = await open();
    await blobs.put('world/2-0', Buffer.from('gone'));
    for (let times = 0; times < 2; times++) await blobs.remove('world/2-0');
    await expect(blobs.get('world/2-0', 0, 1)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

test('a blob in a folder is whole or not there', async () => {
  const blobs = await openBlobs(join(folder, 'whole'), NO_S3);
  await blobs.put('w/1', Buffer.from('whole'));
  expect(readdirSync(join(folder, 'whole', 'w'))).toEqual(['1']);
});

test('what a killed process has left of a blob has no name of a blob, and goes after a day', async () => {
  const place = join(folder, 'killed');
  const aside = join(place, '.aside');
  mkdirSync(aside, { recursive: true });
  const now = Date.now();
  for (const ms of [now - 90_000_000, now - 80_000_000]) writeFileSync(join(aside, `${ms}-half`), 'ha');
  const blobs = await openBlobs(place, NO_S3);
  await blobs.put('w/1', Buffer.from('whole'));
  expect(readdirSync(aside)).toEqual([`${now - 80_000_000}-half`]);
  expect(readdirSync(join(place, 'w'))).toEqual(['1']);
});

test('blobs lie in the bucket under the prefix', async () => {
  const blobs = await inBucket();
  await blobs.put('world/3-0', Buffer.from('here'));
  expect(String(bucket.objects.get('/bucket/some/prefix/world/3-0'))).toBe('here');
});

test('a bucket that is busy is asked again, and one that stays so is named', async () => {
  const blobs = await inBucket();
  bucket.failures = 2;
  await blobs.put('world/4-0', Buffer.from('late'));
  expect(String(bucket.objects.get('/bucket/some/prefix/world/4-0'))).toBe('late');
  bucket.failures = 100;
  await expect(blobs.get('world/4-0', 0, 4)).rejects.toThrow(
    'the blob store answered 503 for world/4-0: SlowDown',
  );
  expect(100 - bucket.failures).toBeLessThanOrEqual(6);
  bucket.failures = 0;
});

test('a bucket that sends all of a blob gives the part that was asked for', async () => {
  const blobs = await inBucket();
  await blobs.put('world/5-0', Buffer.from('0123456789'));
  bucket.ignoresRanges = true;
  expect(String(Buffer.from(await blobs.get('world/5-0', 4, 3)))).toBe('456');
  bucket.ignoresRanges = false;
});

test('a wrong key is an error with the reason', async () => {
  const blobs = await openBlobs('s3://bucket', {
    ...{ endpoint: bucket.endpoint, region: 'r', key: 'OTHER', secret: 'SECRET' },
  });
  await expect(blobs.put('x', Buffer.from('x'))).rejects.toThrow('answered 403 for x: AccessDenied');
});
