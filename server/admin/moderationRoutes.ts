/** `/admin/api/…`, people: who is or was here and what they did, mutes, kicks and bans, bodies, and reports. */
import type {
  BroughtBack,
  DeedsAnswer,
  Done,
  GuestAnswer,
  LostBody,
  OwnedBody,
  PeopleAnswer,
  Player,
  Sanction,
  SanctionKind,
} from '../../shared/adminPeople.ts';
import { readParty } from '../address.ts';
import type { Guests } from '../guests/guests.ts';
import { TooManySanctionsError } from '../guests/sanctions.ts';
import { detailOf, SanctionTable } from '../guests/sanctionTable.ts';
import { banWords, muteWords } from '../guests/words.ts';
import type { Visitor } from '../rooms/surroundings.ts';
import type { Actor } from '../rules/registry.ts';
import type { SwapDesk } from '../swaps/swapDesk.ts';
import type { WorldLink } from '../world/messages.ts';
import type { AuditNotes } from './auditNotes.ts';
import type { Reports } from './reports.ts';
import { type Call, type Fields, Refusal, type Route, readJson } from './requests.ts';

/** Guests that the page lists. */
const MAX_GUESTS = 200;
const MAX_DEEDS = 100;
const MAX_LOST_SHOWN = 100;
const MAX_REPORTS_SHOWN = 400;
const MAX_MINUTES = 365 * 24 * 60;
const MAX_REASON = 140;
const MAX_ORGANISM = 0xffff_ffff;
/** Controls, line breaks, and what turns the direction of text. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}]+/gu;
const GUEST_ID = '[A-Za-z0-9_-]{1,64}';

/** The players, as far as a moderator needs them. */
export interface Audience {
  announce(text: string): void;
  readonly visits: readonly Omit<Player, 'isMuted'>[];
  /** Ends the visits for which it is true. @returns how many */
  kick(isMeant: (visitor: Visitor) => boolean, reason: string): number;
  /** Shows a line to those for whom it is true. */
  tell(isMeant: (visitor: Visitor) => boolean, text: string): void;
}

export interface ModerationRoutesOptions {
  readonly world: WorldLink;
  readonly desk: SwapDesk;
  readonly guests: Guests;
  readonly notes: AuditNotes;
  readonly reports: Reports;
  readonly audience: () => Audience;
}

export class ModerationRoutes {
  readonly all: readonly Route[];
  readonly #options: ModerationRoutesOptions;

  constructor(options: ModerationRoutesOptions) {
    this.#options = options;
    this.all = [
      ['GET', /^people$/, 'moderator', async () => this.#people()],
      ['GET', /^deeds$/, 'moderator', () => this.#deeds()],
      ['GET', new RegExp(`^guests/(${GUEST_ID})$`), 'moderator', (call) => this.#guest(call)],
      ['POST', new RegExp(`^guests/(${GUEST_ID})$`), 'moderator', (call) => this.#takeMeasure(call)],
      ['POST', /^sanctions$/, 'moderator', (call) => this.#sanctionAddress(call)],
      ['DELETE', /^sanctions\/([^/]{1,96})$/, 'moderator', (call) => this.#lift(call)],
      ['POST', /^bodies\/remove$/, 'moderator', (call) => this.#remove(call)],
      ['POST', /^bodies\/bring-back$/, 'moderator', (call) => this.#bringBack(call)],
      ['POST', /^reports\/(\d{1,15})$/, 'moderator', (call) => this.#handleReport(call)],
    ];
  }

  // --- looking ---

  #people(): PeopleAnswer {
    const { guests, reports } = this.#options;
    return {
      guests: guests.lately(MAX_GUESTS),
      sanctions: guests.sanctions.all,
      reports: reports.all.slice(0, MAX_REPORTS_SHOWN),
    };
  }

  async #guest({ part }: Call): Promise<GuestAnswer> {
    const { guests, world } = this.#options;
    const guest = guests.find(part);
    if (guest === null) throw new Refusal(404, `no guest ${part} is known`);
    const [bodies, lost]: [OwnedBody[], LostBody[]] = await Promise.all([
      world.ask({ kind: 'bodiesOf', guest: part }),
      world.ask({ kind: 'lost' }),
    ]);
    const theirs = lost.filter((one) => one.guest === part || one.by.guest === part);
    return { guest, deeds: guests.deeds.of(part), bodies, lost: theirs };
  }

  async #deeds(): Promise<DeedsAnswer> {
    const { guests, world } = this.#options;
    const lost = await world.ask({ kind: 'lost' });
    return { deeds: guests.deeds.all(MAX_DEEDS), lost: lost.slice(0, MAX_LOST_SHOWN) };
  }

  // --- mutes, kicks and bans ---

  async #takeMeasure({ request, part, actor }: Call): Promise<Done & { readonly sanction?: Sanction }> {
    const { guests, audience } = this.#options;
    const fields = await readJson(request);
    const action = fields.oneOf('action', ['kick', 'mute', 'ban']);
    const of = fields.oneOf('of', ['guest', 'address']);
    const reason = reasonIn(fields);
    const guest = guests.find(part);
    if (guest === null) throw new Refusal(404, `no guest ${part} is known`);
    const { id, name, address } = guest;
    if (action !== 'kick') {
      const minutes = minutesIn(fields);
      const { who } = actor;
      const add = (): Sanction =>
        of === 'guest'
          ? guests.sanctionGuest(action, id, { minutes, reason, who })!
          : guests.sanctions.add({ kind: action, guest: '', address, name, minutes, reason, who });
      return this.#enforce(add, actor);
    }
    const isMeant = (visitor: Visitor): boolean =>
      of === 'guest' ? visitor.id === id : visitor.address === address;
    audience().kick(isMeant, reason || 'an admin has removed you from this world');
    const whom = of === 'guest' ? `guest ${id} at ${address}` : `all at ${address}`;
    return this.#options.notes.after(actor, 'kick', name, `${whom} ${reason}`.trim());
  }

  /** An address that nobody is known of, too. */
  async #sanctionAddress({ request, actor }: Call): Promise<Done & { readonly sanction?: Sanction }> {
    const { guests } = this.#options;
    const fields = await readJson(request);
    const kind: SanctionKind = fields.oneOf('kind', ['mute', 'ban']);
    const address = readParty(fields.text('address', 64));
    if (address === '') throw new Refusal(400, 'address must be an IP address, or the /48 of an IPv6 one');
    const minutes = minutesIn(fields);
    const reason = reasonIn(fields);
    const what = { kind, guest: '', address, name: '', minutes, reason, who: actor.who };
    return this.#enforce(() => guests.sanctions.add(what), actor);
  }

  /** Memory decides at once; the row follows when the disk takes it. */
  async #enforce(add: () => Sanction, actor: Actor): Promise<Done & { readonly sanction: Sanction }> {
    const { guests, audience, notes } = this.#options;
    const sanction = tooMany(add);
    const { kind, name, address, reason } = sanction;
    // Whom it concerns is decided where strokes and joins are.
    const secondsLeft = guests.sanctions.secondsLeft(sanction.id);
    const isMeant = (visitor: Visitor): boolean =>
      guests.sanctions.find(kind, visitor.id, visitor.address)?.id === sanction.id;
    for (const visit of audience().visits) {
      const isTheirs = (visitor: Visitor): boolean => visitor.id === visit.guest && isMeant(visitor);
      const words = kind === 'ban' ? banWords : muteWords;
      const text = `${words(sanction, visit.guest, secondsLeft)}${reason && ` (${reason})`}`;
      if (kind === 'ban') audience().kick(isTheirs, text);
      else audience().tell(isTheirs, text);
    }
    const done = await notes.after(actor, kind, name || address, detailOf(sanction), (registry, at) =>
      new SanctionTable(registry).enter(sanction, actor, at),
    );
    return { sanction, ...done };
  }

  async #lift({ part, actor }: Call): Promise<Done> {
    const { guests, audience, notes } = this.#options;
    const sanction = guests.sanctions.all.find(({ id }) => id === part);
    if (sanction === undefined) throw new Refusal(404, 'this mute or ban has ended already');
    const { kind, name, address } = sanction;
    const isMeant = (visitor: Pick<Visitor, 'id' | 'address'>): boolean =>
      guests.sanctions.find('mute', visitor.id, visitor.address)?.id === sanction.id;
    const muted = audience().visits.filter((visit) => isMeant(visitorOf(visit)));
    guests.sanctions.lift(part);
    const hasTools = (visitor: Visitor): boolean =>
      muted.some((visit) => visit.guest === visitor.id) &&
      guests.sanctions.find('mute', visitor.id, visitor.address) === null;
    audience().tell(hasTools, 'You have your tools again.');
    return notes.after(actor, `un${kind}`, name || address, detailOf(sanction), (registry, at) =>
      new SanctionTable(registry).lift(sanction, actor, at),
    );
  }

  // --- bodies and reports ---

  /** One body, or all that a guest planted. They dissolve, and do not come back. */
  async #remove({ request, actor }: Call): Promise<{ readonly organisms: number }> {
    const { world, guests, notes } = this.#options;
    const fields = await readJson(request);
    const by = actor.who;
    if (fields.has('organism')) {
      const organism = fields.whole('organism', 1, MAX_ORGANISM);
      await notes.before(actor, 'remove body', `organism ${organism}`, '');
      return { organisms: await world.ask({ kind: 'control', control: { kind: 'remove', organism, by } }) };
    }
    const guest = fields.text('guest', 64);
    if (guest === '') throw new Refusal(400, 'guest must not be empty: that is the garden');
    await notes.before(actor, 'remove bodies', guests.find(guest)?.name ?? '', `all of guest ${guest}`);
    return { organisms: await world.ask({ kind: 'control', control: { kind: 'removeByGuest', guest, by } }) };
  }

  /** What is lost: one body, or all that a guest did away with. */
  async #bringBack({ request, actor }: Call): Promise<BroughtBack> {
    const { world, guests, notes } = this.#options;
    const fields = await readJson(request);
    const of = fields.oneOf('of', ['loss', 'organism', 'guest']);
    if (of === 'guest') {
      const guest = fields.text('guest', 64);
      if (guest === '') throw new Refusal(400, 'guest must not be empty');
      await notes.before(actor, 'bring back', guests.find(guest)?.name ?? '', `all of guest ${guest}`);
      return world.ask({ kind: 'bringBack', wanted: { by: guest } });
    }
    const number = fields.whole(of, 1, MAX_ORGANISM);
    const lost = await world.ask({ kind: 'lost' });
    const one = lost.find((each) => each[of] === number);
    if (one === undefined && of === 'loss')
      throw new Refusal(409, 'it is back already, or is no longer remembered');
    const what = one === undefined ? '' : ` ${one.species} at ${one.x}, ${one.y}`;
    await notes.before(actor, 'bring back', one?.planter ?? '', `${of} ${number}${what}`);
    const wanted = of === 'loss' ? { loss: number } : { organism: number };
    return world.ask({ kind: 'bringBack', wanted });
  }

  async #handleReport({ request, part, actor }: Call): Promise<Done> {
    const outcome = (await readJson(request)).oneOf('outcome', ['handled', 'dismissed']);
    const report = this.#options.reports.handle(Number(part), actor.who, outcome);
    if (report === null) throw new Refusal(409, 'somebody has handled it already');
    await this.#options.reports.flush();
    const { about, name, species, organism, reason } = report;
    const what = about === 'body' ? `${species}, organism ${organism}, planted by` : 'the name';
    return this.#options.notes.after(
      actor,
      `report ${outcome}`,
      name,
      `${what} ${name || 'the garden'}: ${reason}`,
    );
  }
}

const visitorOf = ({ guest, address }: Omit<Player, 'isMuted'>): Pick<Visitor, 'id' | 'address'> => ({
  id: guest,
  address,
});

/** A field that is missing or null: for good. @returns minutes; Infinity: until an admin lifts it */
const minutesIn = (fields: Fields): number =>
  fields.has('minutes') ? fields.whole('minutes', 1, MAX_MINUTES) : Number.POSITIVE_INFINITY;

/** In one line: players and the operator's log get it. */
const reasonIn = (fields: Fields): string =>
  fields.has('reason') ? fields.text('reason', MAX_REASON).replace(UNPRINTABLE, ' ').trim() : '';

function tooMany(add: () => Sanction): Sanction {
  try {
    return add();
  } catch (error) {
    if (error instanceof TooManySanctionsError) throw new Refusal(409, error.message);
    throw error;
  }
}
