import { expect, test } from 'vitest';
import { decodeEntry } from '../../server/world/acts.ts';
import { Organisms } from '../../server/world/organisms.ts';
import type { RuleSlots } from '../../server/world/ruleSlots.ts';
import { WorldLog } from '../../server/world/worldLog.ts';
import { seededRandom } from '../engines/fixtures.ts';

const slots = {
  at: (slot: number) => ({ card: { name: 'a' }, sha256: `rule${slot}` }),
} as unknown as RuleSlots;

/** What a record says, but for what the journal leaves out. */
const told = (organisms: Organisms): Map<number, string> =>
  new Map(
    organisms
      .records(String)
      .map(({ health: _health, history: _history, ...facts }) => [facts.id, JSON.stringify(facts)]),
  );

test('an entry has the records that differ from the last one, in the order of all, then those that are gone', () => {
  const random = seededRandom(3);
  const organisms = new Organisms();
  const log = new WorldLog({ organisms, slots: () => slots, stepNumber: () => 0, runSeconds: () => 0 });
  log.start();
  let known = told(organisms);
  /** Ids in the order in which the journal learned of them. */
  let order: number[] = [];
  let now = 0;
  const changed: number[] = [];
  for (let round = 0; round < 300; round++) {
    for (let act = 0; act < 5; act++) {
      const all = [...organisms];
      const one = all[Math.floor(random() * all.length)];
      const draw = random();
      if (one === undefined || draw < 0.25) {
        const id = organisms.freeId(now)!;
        const facts = { species: 'a', slot: 0, planter: '', plantedStep: round, plantedSeconds: now };
        organisms.add({ id, x: round, y: 0, health: 0, ...facts });
      } else if (draw < 0.4) organisms.remove(one.id, now);
      else if (draw < 0.5) one.x += 1;
      else if (draw < 0.55) one.slot = 1 - one.slot;
      else if (draw < 0.6) one.visitedSeconds = round;
      else if (draw < 0.65) one.health = random();
      // Back to what it was before the entry is taken.
      else if (draw < 0.7) Object.assign(one, { isUprooted: true }, { isUprooted: false });
    }
    now += 5;
    const bytes = log.take(true)!;
    const acts = decodeEntry(bytes).entry.acts.map(([, act]) => act);
    const is = told(organisms);
    const records = [...is].filter(([id, record]) => known.get(id) !== record).map(([id]) => id);
    for (const id of records) if (!order.includes(id)) order.push(id);
    const gone = order.filter((id) => !is.has(id));
    order = order.filter((id) => is.has(id));
    expect(
      acts.map((act) =>
        act.act === 'organism' ? act.record.id : ['gone', act.act === 'gone' && act.organism],
      ),
    ).toEqual([...records, ...gone.map((id) => ['gone', id])]);
    changed.push(records.length);
    known = is;
  }
  expect(changed.filter((count) => count === 0).length).toBeGreaterThan(0);
  expect(organisms.size).toBeGreaterThan(20);
  expect(log.take(false)).toBeNull();
});
