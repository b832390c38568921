import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FolderHub, FolderRelay, worldsIn } from '../../server/links/folder.ts';
import { linkRelay, type RelayLink } from '../../server/links/relayLink.ts';
import { FakeWorld } from '../rooms/fakeWorld.ts';
import { describeWorldLink } from './contract.ts';
import { hubOf, until } from './ends.ts';

const log = (): void => {};
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'regrow-meet-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const relayOf = (world: string, answerMs?: number): Promise<RelayLink> =>
  linkRelay({ transport: new FolderRelay({ folder, world }), log, answerMs });

let worlds = 0;
describeWorldLink('a socket in a folder', {
  async make(world, answerMs) {
    const name = `contract${worlds++}`;
    const { close } = hubOf(world, await FolderHub.listen({ folder, world: name }));
    const link = await relayOf(name, answerMs);
    return {
      link,
      die: close,
      async close() {
        await link.stop();
        await close();
      },
    };
  },
});

describe('a folder where worlds and relays meet', () => {
  test('has a name for each world that listens, and none when it has ended', async () => {
    const inside = join(folder, 'deep/er');
    expect(worldsIn(inside)).toEqual([]);
    const [reef, meadow] = await Promise.all(
      ['reef', 'meadow'].map((world) => FolderHub.listen({ folder: inside, world })),
    );
    for (const file of ['Bad.sock', 'a.b.sock', 'other']) writeFileSync(join(inside, file), '');
    expect(worldsIn(inside)).toEqual(['meadow', 'reef']);
    await reef.close();
    expect(worldsIn(inside)).toEqual(['meadow']);
    await meadow.close();
    expect(worldsIn(inside)).toEqual([]);
  });

  test('is made for this user alone', async () => {
    const mine = join(folder, 'mine');
    const hub = await FolderHub.listen({ folder: mine, world: 'reef' });
    expect(statSync(mine).mode & 0o777).toBe(0o700);
    await hub.close();
  });

  test('with too long a path for sockets is refused by worlds and relays, with how long it may be', async () => {
    const long = join(folder, 'l'.repeat(110 - folder.length));
    const fault =
      /^the path of a socket has at most 10[37] bytes, and .*reef.sock has 1\d\d: meet in a folder/;
    await expect(FolderHub.listen({ folder: long, world: 'reef' })).rejects.toThrow(fault);
    expect(() => new FolderRelay({ folder: long, world: 'reef' })).toThrow(fault);
    expect(existsSync(long)).toBe(false);
  });

  test('has one process for each world: another is refused, and the first goes on', async () => {
    const world = new FakeWorld(256, 256);
    const host = hubOf(world, await FolderHub.listen({ folder, world: 'taken' }));
    await expect(FolderHub.listen({ folder, world: 'taken' })).rejects.toThrow(
      `another process is the world taken in ${folder}`,
    );
    const link = await relayOf('taken');
    expect(await link.ask({ kind: 'meanHealth' })).toBe(1);
    await link.stop();
    await host.close();
  });

  test('what a killed world has left is in nobody’s way', async () => {
    writeFileSync(join(folder, 'left.sock'), '');
    const hub = await FolderHub.listen({ folder, world: 'left' });
    const link = relayOf('left');
    const host = hubOf(new FakeWorld(256, 256), hub);
    await (await link).stop();
    await host.close();
    expect(existsSync(join(folder, 'left.sock'))).toBe(false);
  });

  test('a relay that comes first waits for its world, and finds it again when it has started anew', async () => {
    const waiting = relayOf('late');
    const first = hubOf(new FakeWorld(256, 256), await FolderHub.listen({ folder, world: 'late' }));
    const link = await waiting;
    const resets: string[] = [];
    link.onReset = (reason) => resets.push(reason);
    await first.close();
    await until('the end', () => !link.isUp);
    await expect(link.ask({ kind: 'meanHealth' })).rejects.toThrow('there is no such world at the moment');
    const hub = await FolderHub.listen({ folder, world: 'late' });
    const second = hubOf(new FakeWorld(256, 256), hub, { term: 2 });
    await until('the world', () => link.isUp);
    expect(resets).toEqual(['the world has stopped', 'the world has started again']);
    expect(await link.ask({ kind: 'meanHealth' })).toBe(1);
    await link.stop();
    await second.close();
  });

  test('a relay that nobody wants any more waits no longer', async () => {
    const wait = new AbortController();
    const transport = new FolderRelay({ folder, world: 'never' });
    const waiting = linkRelay({ transport, log }, wait.signal);
    wait.abort();
    await expect(waiting).rejects.toThrow('nobody waits for the world any more');
  });
});
