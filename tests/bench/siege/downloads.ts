/** Attackers that ask for files, pictures and lists. */
import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Attack } from './siege.ts';

const PICTURE_PATH = 'api/world.png?x=0&y=0&w=2048&h=2048';

/** Paths of the client's hashed files from the world's root, the largest first. */
export function assetsIn(clientDir: string): string[] {
  const folder = join(clientDir, 'assets');
  return readdirSync(folder)
    .filter((name) => !/\.(br|gz)$/.test(name))
    .sort((a, b) => statSync(join(folder, b)).size - statSync(join(folder, a)).size)
    .map((name) => `assets/${name}`);
}

export const DOWNLOADS: Readonly<Record<string, Attack>> = {
  resets: {
    what: 'GETs of the largest file, each reset at its first byte; 60 per second',
    async run(siege) {
      const [largest] = assetsIn(siege.task.clientDir);
      await siege.loops(siege.count(24, 48), async (index) => {
        await siege.turn(60);
        const socket = await siege.open(index);
        socket.write(`GET /${largest} HTTP/1.1\r\nHost: ${siege.host}:${siege.port}\r\n\r\n`);
        const got = await new Promise<string>((resolve) => {
          socket.once('data', () => resolve('reset at the first byte'));
          socket.once('close', () => resolve('closed before a byte'));
        });
        siege.add(got);
        socket.resetAndDestroy();
      });
    },
  },
  gone: {
    what: 'GETs of files that are deleted from the disk meanwhile, as an old tab asks for them after a rebuild',
    async run(siege) {
      // The honest visitors ask for the largest: it must be served, too, when a server reads its files once.
      const assets = assetsIn(siege.task.clientDir);
      let deleted = 0;
      await siege.loops(4, async (index) => {
        await siege.turn(20);
        if (deleted < assets.length && siege.draw() < 0.05) {
          rmSync(join(siege.task.clientDir, assets[deleted++]));
          siege.add('deleted');
        }
        await siege.ask(index, siege.pick(assets));
      });
    },
  },
  pictures: {
    what: 'two clients per address that ask for the largest picture in a loop',
    run: (siege) =>
      siege.loops(siege.count(2, 16), async (index) => {
        await siege.turn(100);
        await siege.ask(index, PICTURE_PATH, { isKept: true });
      }),
  },
  organisms: {
    what: 'eight clients that ask for the list of organisms in a loop',
    run: (siege) =>
      siege.loops(siege.count(8, 40), async (index) => {
        await siege.turn(1_500);
        await siege.ask(index, 'api/organisms', { isKept: true });
      }),
  },
};
