import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { writeSealed } from '../../server/storage/sealed.ts';
import { encodeEntry } from '../../server/world/acts.ts';
import { RuinError, WorldFiles } from '../../server/world/worldFiles.ts';
import { stateAt } from './smallState.ts';
import { saveOf } from './wholeWorld.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'regrow-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const open = (isStored = false): Promise<WorldFiles> =>
  WorldFiles.open({ folder, isStored, durability: 'os', log: () => {} });
const entryAt = (step: number): Uint8Array => encodeEntry({ acts: [], step, runSeconds: step, nextId: 8 });

/** A world that has been saved at step 1, with its journal open. */
async function begun(): Promise<WorldFiles> {
  const files = await open();
  await files.write(saveOf(stateAt(1), await files.begin('kernel')));
  return files;
}

async function stepsOf(files: WorldFiles): Promise<number[]> {
  const steps: number[] = [];
  for await (const { entry } of files.entries()) steps.push(entry.step);
  return steps;
}

const names = (part: string): string[] =>
  readdirSync(folder)
    .filter((name) => name.includes(part))
    .sort();

describe('a journal with a gap', () => {
  test('goes on with what was acknowledged before it; the rest is set aside, and the log says so', async () => {
    const killed = await begun();
    killed.append(entryAt(2), true);
    await killed.flushed();
    // As the disk fails: a segment is begun for a save that never comes.
    killed.rotate(true);
    killed.append(entryAt(9), true);
    await killed.flushed();

    const files = await open();
    expect(await stepsOf(files)).toEqual([2]);
    expect(await files.begin('kernel')).toBe(2);
    expect(files.notes.join()).toMatch(/dropped when the disk failed.*journal-00000002\.log.*set aside/);
    expect(names('after-gap')).toHaveLength(1);
    files.append(entryAt(3), true);
    await files.flushed();
    expect(await stepsOf(await open())).toEqual([2, 3]);
    await files.close();
    await killed.close();
  });

  test('that a save has closed is no gap', async () => {
    const files = await begun();
    files.append(entryAt(2), true);
    await files.write(saveOf(stateAt(5), files.rotate(true), true));
    files.append(entryAt(6), true);
    await files.flushed();
    const again = await open();
    expect([again.state?.stepNumber, await stepsOf(again)]).toEqual([5, [6]]);
    await files.close();
  });

  test('stops the start when the save that closed it is unsound', async () => {
    const files = await begun();
    await files.write(saveOf(stateAt(5), files.rotate(true), true));
    await files.close();
    truncateSync(join(folder, 'world.regrow'), 50);
    const again = await open();
    for (const refuse of [() => stepsOf(again), () => again.begin('kernel')]) {
      const refused = refuse();
      await expect(refused).rejects.toThrow(RuinError);
      await expect(refused).rejects.toThrow(/journal-00000002\.log follows a save that is unsound/);
      await expect(refused).rejects.toThrow(`npm run world -- recover ${folder}`);
    }
    expect(names('after-gap')).toEqual([]);
  });
});

describe('a start is refused, with the file, the fact and the command, and nothing is touched:', () => {
  const ruins: [what: string, ruin: () => void | Promise<void>, said: RegExp][] = [
    [
      'both saves are unsound',
      () => {
        for (const name of ['world.regrow', 'world.regrow.1']) truncateSync(join(folder, name), 50);
      },
      /world\.regrow is unsound: .*world\.regrow\.1 is unsound: .*`npm run world -- recover .*`/,
    ],
    [
      'the saves are gone',
      () => {
        for (const name of ['world.regrow', 'world.regrow.1']) rmSync(join(folder, name));
      },
      /world\.regrow: it is missing, though 3 segments of a journal and 2 packs .*`npm run world -- recover .*`/,
    ],
    [
      'a segment is gone',
      () => rmSync(join(folder, 'journal-00000002.log')),
      /journal-00000002\.log is missing.*`npm run world -- recover .*`/,
    ],
    [
      'a record is no entry',
      () => {},
      /journal-00000003\.log, byte \d+: it is cut off.*`npm run world -- recover .*`/,
    ],
    [
      'a save is of a newer format',
      async () => void (await writeSealed(join(folder, 'world.regrow'), 'REGROW W', 99, {}, [])),
      /world\.regrow: it is a save of format 99.*A newer version .*npm run world -- restore BACKUP/,
    ],
  ];
  test.each(ruins)('%s', async (what, ruin, said) => {
    const files = await begun();
    files.append(entryAt(2), true);
    await files.write(saveOf(stateAt(5), files.rotate(false)));
    files.append(entryAt(6), true);
    files.rotate(false);
    files.append(what === 'a record is no entry' ? Uint8Array.of(9, 9, 9, 9) : entryAt(7), true);
    await files.close();
    await ruin();
    const before = readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))]);
    const refused = (async () => stepsOf(await open()))();
    await expect(refused).rejects.toThrow(RuinError);
    await expect(refused).rejects.toThrow(said);
    // `recover` does not work on a store.
    const stored = await open(true)
      .then(stepsOf)
      .catch(({ message }: Error) => message);
    expect(stored).toMatch(/npm run world -- restore BACKUP --store … --replace/);
    expect(stored).not.toContain('recover');
    expect(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))])).toEqual(before);
  });
});

test('what is left of a planting that was cut short does not stop the next start', async () => {
  const killed = await open();
  await killed.begin('kernel');
  await killed.flushed();
  writeFileSync(join(folder, 'pages-1.pack'), 'half of it');
  const files = await open();
  expect(files.state).toBeNull();
  await files.write(saveOf(stateAt(1), await files.begin('kernel')));
  files.append(entryAt(2), true);
  await files.close();
  expect(await stepsOf(await open())).toEqual([2]);
  await killed.close();
});
