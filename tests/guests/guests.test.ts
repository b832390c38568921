import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Guest } from '../../server/guests/guest.ts';
import { MAX_FLEETING, MAX_KEPT, MAX_ROWS } from '../../server/guests/guestBook.ts';
import { Guests, type GuestsOptions, MAX_VISITS } from '../../server/guests/guests.ts';
import type { GuestKeep, GuestRow } from '../../server/guests/guestTable.ts';
import { openGuests } from '../../server/guests/openGuests.ts';
import { SanctionTable } from '../../server/guests/sanctionTable.ts';
import { GuestTokens, KEY_BYTES } from '../../server/guests/token.ts';
import { Registry } from '../../server/rules/registry.ts';
import { RegistryError } from '../../server/rules/registryFile.ts';
import { BUDGET_CELLS, BUDGET_CELLS_PER_SECOND } from '../../shared/limits.ts';

const HOME = '10.0.0.1';
const ELSEWHERE = '10.0.0.2';
const FOR_GOOD = { minutes: Number.POSITIVE_INFINITY, reason: '', who: 'Ann' };
const tokens = new GuestTokens(new Uint8Array(KEY_BYTES).fill(1));

beforeEach(() => {
  vi.useFakeTimers({
    toFake: ['Date', 'performance', 'setInterval', 'clearInterval'],
    now: Date.UTC(2026, 10, 29, 18),
  });
});
afterEach(() => {
  vi.useRealTimers();
});
const pass = (seconds: number): void => void vi.advanceTimersByTime(seconds * 1_000);

/** A table in memory. */
class FakeKeep implements GuestKeep {
  readonly rows = new Map<string, GuestRow>();
  readonly writes: number[] = [];
  fault: RegistryError | null = null;
  load = (): GuestRow[] => [...this.rows.values()];
  keep(rows: readonly GuestRow[], gone: readonly string[]): void {
    if (this.fault !== null) throw this.fault;
    this.writes.push(rows.length + gone.length);
    for (const row of rows) this.rows.set(row.id, row);
    for (const id of gone) this.rows.delete(id);
  }
  close(): void {}
}

const make = (options: Partial<GuestsOptions> = {}): Guests =>
  new Guests({ tokens, keep: null, guestsPerAddress: 16, energyPerAddress: 4, log: () => {}, ...options });

function come(guests: Guests, address = HOME, token?: string): Guest {
  const admitted = guests.admit(token, address);
  if (!admitted.ok) throw new Error(admitted.reason);
  const early = guests.comes(address);
  if (early !== null) throw new Error(early.reason);
  const entered = guests.enter(admitted.guest, address, admitted.isNew);
  if (!entered.ok) throw new Error(entered.reason);
  return entered.guest;
}
const tokenOf = (guests: Guests, guest: Guest): string => guests.tokenOf(guest.id);
const deed = (guest: Guest, tool: 'ablate' | 'plant' = 'ablate') => ({
  ...{ at: Date.now(), step: 1, guest: guest.id, name: guest.name, address: HOME, tool },
  ...{ x: 1, y: 2, radius: 3, organisms: [] },
});

describe('a guest', () => {
  test('keeps name, hue, energy and mute over a reload', () => {
    const guests = make();
    const ash = come(guests);
    expect(ash.rename('Ash')).toEqual({ name: 'Ash', reason: null });
    expect(guests.spend(ash, HOME, 5_000)).toBeNull();
    guests.sanctionGuest('mute', ash.id, FOR_GOOD);
    guests.leave(ash, HOME);
    const again = come(guests, ELSEWHERE, tokenOf(guests, ash));
    expect(again).toMatchObject({ id: ash.id, name: 'Ash', hue: ash.hue });
    expect(guests.budgetOf(again, ELSEWHERE).cells).toBe(1_000);
    expect(guests.muteOf(again, ELSEWHERE)).toBe('An admin has taken your tools away.');
  });

  test('keeps them over a restart, and the energy that has refilled meanwhile', () => {
    const keep = new FakeKeep();
    const before = make({ keep });
    const ash = come(before);
    ash.rename('Ash');
    before.spend(ash, HOME, 6_000);
    before.did(ash, deed(ash));
    before.did(ash, deed(ash, 'plant'));
    before.leave(ash, HOME);
    before.close();
    pass(2);
    const after = make({ keep });
    const again = come(after, HOME, tokenOf(before, ash));
    expect(again).toMatchObject({ name: 'Ash', strokes: 1, plantings: 1, hue: ash.hue });
    expect(after.budgetOf(again, HOME).cells).toBe(2 * BUDGET_CELLS_PER_SECOND);
  });

  test('of a forged, foreign or missing token is new, with another name', () => {
    const guests = make();
    const ash = come(guests);
    const foreign = new GuestTokens(new Uint8Array(KEY_BYTES).fill(2)).of(ash.id);
    for (const token of [foreign, undefined, `${ash.id}.${'A'.repeat(43)}`, 'x']) {
      const admitted = guests.admit(token, HOME);
      expect(admitted).toMatchObject({ ok: true, isNew: true });
      expect(admitted).not.toMatchObject({ guest: ash.id });
    }
    expect(guests.admit(tokenOf(guests, ash), HOME)).toEqual({ ok: true, isNew: false, guest: ash.id });
  });

  test('in several tabs has one name and one energy, and at most 8 tabs', () => {
    const guests = make();
    const first = come(guests);
    const token = tokenOf(guests, first);
    for (let tab = 1; tab < MAX_VISITS; tab++) expect(come(guests, HOME, token)).toBe(first);
    expect(guests.admit(token, HOME)).toMatchObject({ ok: false, status: 429, reason: /8 tabs/ });
    guests.leave(first, HOME);
    expect(guests.admit(token, HOME)).toMatchObject({ ok: true });
    expect(guests.lately(10)).toMatchObject([{ id: first.id, visits: MAX_VISITS - 1 }]);
  });

  test('reads why a name is refused, keeps the one before, and gets the given one back with an empty wish', () => {
    const guests = make();
    guests.reservedNames = () => ['Mira'];
    const ash = come(guests);
    const given = ash.name;
    ash.rename('Ash');
    for (const wish of ['Аdmin', 'mira', '\u3164', 'the server']) {
      pass(2);
      const { name, reason } = ash.rename(wish);
      expect([name, reason !== null]).toEqual(['Ash', true]);
    }
    expect(ash.rename('')).toEqual({ name: given, reason: null });
  });

  test('loses a name that is an admin’s by now when they come again', () => {
    const guests = make();
    const mira = come(guests);
    const given = mira.name;
    mira.rename('Mira');
    guests.reservedNames = () => ['Mira'];
    guests.leave(mira, HOME);
    expect(come(guests, HOME, tokenOf(guests, mira))).toMatchObject({ name: given, chosenName: '' });
  });

  test('has 5 names at once, then one every two seconds', () => {
    const ash = come(make());
    for (let i = 0; i < 5; i++) expect(ash.rename(`Ash ${i}`).reason).toBeNull();
    expect(ash.rename('Ash 6')).toMatchObject({ name: 'Ash 4', reason: expect.stringContaining('wait') });
    pass(2);
    expect(ash.rename('Ash 6').reason).toBeNull();
  });

  test('has no more wishes for names that are refused, because each costs the server as much', () => {
    const ash = come(make());
    for (let i = 0; i < 5; i++) expect(ash.rename('\u3164'.repeat(256)).reason).toMatch(/would be invisible/);
    for (const wish of ['\u3164'.repeat(256), 'Admin', 'Ash'])
      expect(ash.rename(wish).reason).toBe('Too many names at once: wait a moment.');
    expect(ash.rename(ash.chosenName).reason).toBeNull();
  });
});

describe('energy', () => {
  test('of an address is not more for 24 short connections with fresh tokens than for 4 guests', () => {
    const guests = make();
    let spent = 0;
    for (let i = 0; i < 24; i++) {
      const guest = come(guests);
      while (guests.spend(guest, HOME, 1_000) === null) spent += 1_000;
      guests.leave(guest, HOME);
    }
    expect(spent).toBe(4 * BUDGET_CELLS);
    pass(1);
    const guest = come(guests);
    expect(guests.budgetOf(guest, HOME).cells).toBe(4 * BUDGET_CELLS_PER_SECOND);
    expect(guests.budgetOf(guest, ELSEWHERE).cells).toBe(BUDGET_CELLS);
  });

  test('that is short is told with the limit that was met and when it is over', () => {
    const guests = make({ energyPerAddress: 1 });
    const [ash, misty] = [come(guests), come(guests)];
    expect(guests.spend(ash, HOME, 6_000)).toBeNull();
    expect(guests.spend(ash, HOME, 3_000)).toBe('Not enough energy: 2 s.');
    expect(guests.spend(misty, HOME, 1_501)).toBe('Your address has used its energy: 2 s.');
    pass(2);
    expect(guests.spend(misty, HOME, 1_501)).toBeNull();
    guests.giveBack(misty, HOME, 1_501);
    expect(guests.budgetOf(misty, HOME)).toMatchObject({ cells: 3_000, limit: 'address' });
  });

  test('refills more slowly while the world cannot keep up, and what was refilled before stays', () => {
    const guests = make();
    const ash = come(guests);
    guests.spend(ash, HOME, 6_000);
    pass(1);
    guests.energy.scale = 0.5;
    pass(1);
    expect(guests.budgetOf(ash, HOME)).toMatchObject({
      cells: 1.5 * BUDGET_CELLS_PER_SECOND,
      perSecond: BUDGET_CELLS_PER_SECOND / 2,
    });
    expect(guests.spend(ash, HOME, 3_000)).toBe('Not enough energy: 1 s.');
    guests.energy.scale = 0;
    pass(60);
    expect(guests.spend(ash, HOME, 3_000)).toMatch(/the world gives none at the moment/);
    expect(() => {
      guests.energy.scale = 1.5;
    }).toThrow(RangeError);
  });

  test('of an address is remembered only while it is not full', () => {
    const guests = make();
    const ash = come(guests);
    for (let i = 0; i < 100; i++) guests.spend(ash, `10.1.0.${i}`, 10);
    expect(guests.energy.addresses).toBe(100);
    pass(10);
    guests.spend(ash, HOME, 10);
    expect(guests.energy.addresses).toBe(1);
  });
});

describe('who may come', () => {
  test('is at most so many guests of one address at once; those who are here may open another tab', () => {
    const lines: string[] = [];
    const guests = make({ guestsPerAddress: 3, log: (line) => lines.push(line) });
    const [ash] = [come(guests), come(guests), come(guests)];
    expect(guests.admit(undefined, HOME)).toMatchObject({
      ...{ ok: false, status: 429 },
      reason: '3 guests from your address are here already, and more are not allowed',
    });
    expect(lines.join()).toMatch(/if that is a proxy, start with --trust-proxy 1/);
    expect(guests.admit(tokenOf(guests, ash), HOME).ok).toBe(true);
    expect(guests.admit(undefined, ELSEWHERE).ok).toBe(true);
    guests.leave(ash, HOME);
    expect(guests.admit(undefined, HOME).ok).toBe(true);
  });

  test('is at most 8 times as many of one network of IPv6', () => {
    const guests = make({ guestsPerAddress: 2 });
    for (let n = 0; n < 16; n++) come(guests, `2001:db8:1:${n}::`);
    expect(guests.admit(undefined, '2001:db8:1:99::')).toMatchObject({
      ...{ ok: false, status: 429 },
      reason: '16 guests from your network are here already, and more are not allowed',
    });
    expect(guests.admit(undefined, '2001:db8:2:99::').ok).toBe(true);
  });

  test('is refused at the last moment, too, when others have come first', () => {
    const guests = make({ guestsPerAddress: 1 });
    const [one, two] = [guests.admit(undefined, HOME), guests.admit(undefined, HOME)];
    if (!one.ok || !two.ok) throw new Error('neither is here yet');
    expect(guests.enter(one.guest, HOME, true).ok).toBe(true);
    expect(guests.enter(two.guest, HOME, true)).toMatchObject({ ok: false, status: 429 });
  });

  test('as a new guest is limited per address, at once and in ten minutes; those with a token are not', () => {
    const guests = make({ guestsPerAddress: 2 });
    const ash = come(guests);
    guests.leave(ash, HOME);
    for (let i = 0; i < 3; i++) guests.leave(come(guests), HOME);
    const refused = guests.admit(undefined, HOME);
    expect(refused).toMatchObject({ ok: false, status: 429, retrySeconds: 300, reason: /wait 5 min/ });
    expect(guests.admit(tokenOf(guests, ash), HOME).ok).toBe(true);
    expect(guests.admit(undefined, ELSEWHERE).ok).toBe(true);
    pass(300);
    guests.leave(come(guests), HOME);
    expect(guests.admit(undefined, HOME).ok).toBe(false);
  });

  test('as a new guest is counted when they enter: who asks for seats keeps no neighbour out', () => {
    const guests = make({ guestsPerAddress: 2 });
    const seats = Array.from({ length: 11 }, () => guests.admit(undefined, HOME));
    expect(seats.every(({ ok }) => ok)).toBe(true);
    const entered = Array.from({ length: 5 }, () => {
      const { guest } = guests.admit(undefined, HOME) as { guest: string };
      const visit = guests.enter(guest, HOME, true);
      if (visit.ok) guests.leave(visit.guest, HOME);
      return visit;
    });
    expect(entered.map(({ ok }) => ok)).toEqual([true, true, true, true, false]);
    expect(entered[4]).toMatchObject({ status: 429, reason: /^too many new guests from your address/ });
  });

  test('has 128 seats at once, then 32 per second', () => {
    const guests = make();
    for (let n = 0; n < 128; n++) expect(guests.admit(undefined, HOME).ok).toBe(true);
    expect(guests.admit(undefined, HOME)).toMatchObject({ ok: false, status: 429, retrySeconds: 1 });
    pass(1);
    for (let n = 0; n < 32; n++) expect(guests.admit(undefined, HOME).ok).toBe(true);
    expect(guests.admit(undefined, HOME).ok).toBe(false);
  });

  test('is told of a ban by whom it concerns and for how long', () => {
    const guests = make();
    const cain = come(guests);
    guests.sanctionGuest('ban', cain.id, { ...FOR_GOOD, minutes: 180 });
    expect(guests.admit(tokenOf(guests, cain), ELSEWHERE)).toMatchObject({
      ...{ ok: false, status: 403, retrySeconds: 180 * 60 },
      reason: 'an admin has banned you from this world for 3 h',
    });
    pass(1);
    expect(guests.admit(undefined, HOME)).toMatchObject({
      reason: 'an admin has banned new guests at your address from this world for 3 h',
    });
    expect(guests.admit(undefined, ELSEWHERE).ok).toBe(true);
  });
});

describe('a muted guest who drops the token', () => {
  const settle = (guest: Guest): void => {
    for (let i = 0; i < 10; i++) guest.count(false);
  };

  test('is muted again at the same address, if few others were there', () => {
    const guests = make();
    const [cain, abel] = [come(guests), come(guests)];
    settle(abel);
    pass(3_600);
    guests.sanctionGuest('mute', cain.id, { ...FOR_GOOD, minutes: 9 });
    const again = come(guests);
    expect(guests.muteOf(again, HOME)).toBe(
      'An admin has taken away the tools of new guests at your address for 9 min.',
    );
    expect(guests.muteOf(abel, HOME)).toBeNull();
    expect(guests.muteOf(again, ELSEWHERE)).toBeNull();
  });

  test('and takes another that they had gathered before is muted, too', () => {
    const guests = make();
    const [cain, gathered] = [come(guests), come(guests)];
    const played = come(guests);
    settle(played);
    guests.leave(gathered, HOME);
    pass(86_400);
    guests.sanctionGuest('mute', cain.id, FOR_GOOD);
    const again = come(guests, HOME, tokenOf(guests, gathered));
    expect(again.id).toBe(gathered.id);
    expect(guests.muteOf(again, HOME)).not.toBeNull();
    expect(guests.muteOf(again, ELSEWHERE)).toBeNull();
    expect(guests.muteOf(played, HOME)).toBeNull();
  });

  test('is not, where others of a busy address would be', () => {
    const guests = make();
    const cain = come(guests);
    for (let i = 0; i < 4; i++) settle(come(guests));
    pass(3_600);
    guests.sanctionGuest('mute', cain.id, FOR_GOOD);
    pass(1);
    expect(guests.muteOf(come(guests), HOME)).toBeNull();
    expect(guests.muteOf(cain, ELSEWHERE)).not.toBeNull();
  });

  test('is, if the others are tokens that were gathered just before, or that have done nothing', () => {
    for (const [isBusy, waitSeconds] of [
      [true, 60],
      [false, 3_600],
    ] as const) {
      const guests = make();
      const cain = come(guests);
      for (let i = 0; i < 4; i++) {
        const other = come(guests);
        if (isBusy) settle(other);
      }
      pass(waitSeconds);
      guests.sanctionGuest('mute', cain.id, FOR_GOOD);
      pass(1);
      expect(guests.muteOf(come(guests), HOME)).not.toBeNull();
    }
  });
});

describe('what is kept', () => {
  test('is written at most every 10 s, in bounded pieces, and when the server stops', () => {
    const keep = new FakeKeep();
    const guests = make({ keep, guestsPerAddress: 5_000 });
    for (let i = 0; i < MAX_ROWS + 20; i++) come(guests).rename(`Guest ${i}`);
    pass(9);
    expect(keep.writes).toEqual([]);
    pass(1);
    expect(keep.writes).toEqual([MAX_ROWS]);
    guests.close();
    expect(keep.writes).toEqual([MAX_ROWS, 20]);
    expect(keep.rows.size).toBe(MAX_ROWS + 20);
  });

  test('is nothing of a guest who has neither chosen a name nor done anything', () => {
    const keep = new FakeKeep();
    const guests = make({ keep, guestsPerAddress: 10_000 });
    for (let i = 0; i < MAX_FLEETING + 50; i++) guests.leave(come(guests), HOME);
    expect(guests.size).toBe(MAX_FLEETING);
    guests.close();
    expect(keep.rows.size).toBe(0);
  });

  test('waits while the disk fails, says so once, and play goes on', () => {
    const keep = new FakeKeep();
    const lines: string[] = [];
    const guests = make({ keep, log: (line) => lines.push(line) });
    keep.fault = new RegistryError('registry.db cannot grow: the disk is full');
    const ash = come(guests);
    expect(ash.rename('Ash').reason).toBeNull();
    pass(30);
    expect(lines).toEqual(['guests: not written yet: registry.db cannot grow: the disk is full']);
    keep.fault = null;
    pass(10);
    expect(lines.at(-1)).toBe('guests: written again');
    expect([...keep.rows.values()]).toMatchObject([{ name: 'Ash' }]);
  });

  test('is at most so many: who is away for longest goes first, but nobody here, muted, or with a living body', async () => {
    const keep = new FakeKeep();
    const guests = make({ keep, guestsPerAddress: 100_000 });
    const act = (): Guest => {
      const guest = come(guests);
      guest.count(false);
      return guest;
    };
    const [here, muted, planter, away] = [act(), act(), act(), act()];
    guests.sanctionGuest('mute', muted.id, FOR_GOOD);
    for (const guest of [muted, planter, away]) guests.leave(guest, HOME);
    for (let i = 0; i < MAX_KEPT; i++) guests.leave(act(), HOME);
    guests.planters = async () => new Set([planter.id]);
    expect(guests.size).toBe(MAX_KEPT + 4);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(guests.size).toBe(MAX_KEPT);
    const known = [here, muted, planter, away].map(({ id }) => guests.find(id) !== null);
    expect(known).toEqual([true, true, true, false]);
    guests.close();
    expect(keep.rows.size).toBe(MAX_KEPT);
    expect(keep.rows.has(away.id)).toBe(false);
  });
});

describe('in a data directory', () => {
  let dataDir: string;
  const open = (): Guests => openGuests({ dataDir, guestsPerAddress: 16, energyPerAddress: 4 }, () => {});
  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'regrow-guests-'));
  });
  afterEach(() => rmSync(dataDir, { recursive: true }));

  test('guests, mutes and bans survive a restart', () => {
    const before = open();
    const ash = come(before);
    ash.rename('Ash');
    const mute = before.sanctionGuest('mute', ash.id, { ...FOR_GOOD, minutes: 10 })!;
    const registry = new Registry(dataDir, 0);
    new SanctionTable(registry).enter(mute, { who: 'Ann', address: '' });
    expect(registry.audit.entries(1)).toMatchObject([{ action: 'mute', subject: 'Ash', who: 'Ann' }]);
    registry.close();
    before.leave(ash, HOME);
    before.close();
    const after = open();
    const again = come(after, ELSEWHERE, tokenOf(before, ash));
    expect(again.name).toBe('Ash');
    expect(after.muteOf(again, ELSEWHERE)).toBe('An admin has taken your tools away for 10 min.');
    expect(after.sanctions.all).toEqual([mute]);
    after.close();
  });

  test('bans of an earlier version hold, under the key of their address', () => {
    open().close();
    const registry = new Registry(dataDir, 0);
    registry.file.change(() => {
      registry.file.write(
        "INSERT INTO bans VALUES ('2001:db8::7', '', 'rude'), ('10.0.0.9', '2020-01-01', '')",
      );
    });
    registry.close();
    const guests = open();
    expect(guests.sanctions.all).toMatchObject([{ kind: 'ban', address: '2001:db8::', reason: 'rude' }]);
    guests.close();
    const again = open();
    expect(again.sanctions.all).toEqual(guests.sanctions.all);
    again.close();
  });
});

describe('joins', () => {
  const joins = (guests: Guests, most = 1_000): number => {
    for (let count = 0; count < most; count++) if (guests.comes(HOME) !== null) return count;
    return most;
  };

  test('of an address are 8 per guest that it may have at once, and as many again in 64 s', () => {
    const guests = make({ guestsPerAddress: 2 });
    const token = tokenOf(guests, come(guests));
    expect(joins(guests)).toBe(15);
    expect(guests.admit(token, HOME)).toMatchObject({
      ok: false,
      status: 429,
      reason: 'too many joins from your address: wait 4 s',
      retrySeconds: 4,
    });
    expect(guests.admit(token, ELSEWHERE)).toMatchObject({ ok: true });
    pass(4);
    expect(joins(guests)).toBe(1);
    pass(64);
    expect(joins(guests)).toBe(16);
  });

  test('are fewer by 8 for each visit that was closed for what it sent', () => {
    const guests = make({ guestsPerAddress: 2 });
    const token = tokenOf(guests, come(guests));
    expect(guests.admit(token, HOME).ok).toBe(true);
    guests.misbehaved(HOME);
    expect(joins(guests)).toBe(7);
  });
});
