/** The clients of one relay, as visits of the crowd in this process. */
import { CloseCode } from '../../shared/protocol.ts';
import { encodeMessage, type ServerMessageNumber } from '../rooms/connection.ts';
import type { Crowd } from '../rooms/crowd.ts';
import { MessageError, readMessage } from '../rooms/messages.ts';
import type { Person } from '../rooms/sight.ts';
import type { Outlet } from '../rooms/surroundings.ts';
import type { WorldLink } from '../world/messages.ts';
import type { FromRelay, ToRelay } from './letters.ts';

/** Visits of all relays, by address, and the seats that were taken lately. */
export class VisitLedger {
  readonly #options: { readonly perAddress: number; readonly maxVisits: number; readonly seatMs: number };
  readonly #open = new Set<string>();
  /** Seats that were taken: each of them once. */
  readonly #taken = new Set<string>();
  readonly #ofAddress = new Map<string, number>();

  /** @param seatMs - how long a seat may be taken */
  constructor(options: { readonly perAddress: number; readonly maxVisits: number; readonly seatMs: number }) {
    this.#options = options;
  }

  /** @returns why the visit may not begin, for the player to read; null: it is counted until `end` */
  begin(visit: string, address: string): string | null {
    const { perAddress, maxVisits, seatMs } = this.#options;
    if (this.#open.has(visit) || this.#taken.has(visit)) return 'that seat is taken';
    if (this.#open.size >= maxVisits) return 'the world is full';
    const fromThere = this.#ofAddress.get(address) ?? 0;
    if (fromThere >= perAddress) return 'too many connections from this address';
    this.#open.add(visit);
    this.#taken.add(visit);
    setTimeout(() => this.#taken.delete(visit), 2 * seatMs).unref();
    this.#ofAddress.set(address, fromThere + 1);
    return null;
  }

  end(visit: string, address: string): void {
    if (!this.#open.delete(visit)) return;
    const left = (this.#ofAddress.get(address) ?? 0) - 1;
    if (left > 0) this.#ofAddress.set(address, left);
    else this.#ofAddress.delete(address);
  }
}

export interface HubPeopleOptions {
  readonly crowd: Crowd;
  readonly visits: VisitLedger;
  readonly size: Pick<WorldLink, 'ready'>;
  /** A socket has come for a seat. @returns why it is refused; null: it is not */
  readonly comes: (address: string) => { readonly reason: string } | null;
}

type PeopleLetter = Extract<FromRelay, { readonly visit: string }>;

export class HubPeople {
  readonly #options: HubPeopleOptions;
  readonly #write: (letter: ToRelay) => void;
  readonly #persons = new Map<string, { readonly person: Person; readonly address: string }>();

  /** @param write - to the relay */
  constructor(options: HubPeopleOptions, write: (letter: ToRelay) => void) {
    this.#options = options;
    this.#write = write;
  }

  take(letter: PeopleLetter): void {
    const { visit } = letter;
    if (letter.type === 'open') {
      this.#open(letter);
      return;
    }
    const known = this.#persons.get(visit);
    if (known === undefined) return;
    switch (letter.type) {
      case 'said': {
        this.#handle(known.person, letter);
        return;
      }
      case 'misbehaved':
        known.person.misbehaved(letter.code, letter.reason);
        return;
      case 'closed':
        this.#end(visit);
        return;
      default:
        letter satisfies never;
    }
  }

  /** Ends all visits but these, and closes those of these that are not known. */
  keepOnly(open: readonly string[]): void {
    const kept = new Set(open);
    for (const visit of [...this.#persons.keys()]) if (!kept.has(visit)) this.#end(visit);
    for (const visit of open)
      if (!this.#persons.has(visit))
        this.#write({ type: 'close', visit, code: CloseCode.worldStopped, reason: 'the visit was lost' });
  }

  /** The relay is gone, and with it its clients. */
  close(): void {
    for (const visit of [...this.#persons.keys()]) this.#end(visit);
  }

  #open({ visit, guest, isNew, address }: Extract<FromRelay, { readonly type: 'open' }>): void {
    const close = (code: number, reason: string): void => this.#write({ type: 'close', visit, code, reason });
    const { crowd, visits, comes } = this.#options;
    const refusal = comes(address)?.reason ?? visits.begin(visit, address);
    if (refusal !== null) {
      close(CloseCode.refused, refusal);
      return;
    }
    const postEncoded = (bytes: Uint8Array): boolean => {
      this.#write({ type: 'post', visit, bytes });
      return true;
    };
    const outlet: Outlet = {
      id: visit,
      hearsPlayers: false,
      post: (type: ServerMessageNumber, message: object) => postEncoded(encodeMessage(type, message)),
      postEncoded,
      close,
    };
    const person = crowd.enter(outlet, { id: guest, isNew, address });
    this.#persons.set(visit, { person, address });
    person.start();
  }

  /** The relay has checked the message; the world may have another size than it knows of. */
  #handle(person: Person, { visit, kind, payload }: Extract<FromRelay, { readonly type: 'said' }>): void {
    try {
      person.handle(readMessage(kind, payload, this.#options.size.ready), kind, payload);
    } catch (error) {
      if (!(error instanceof MessageError)) throw error;
      person.misbehaved(CloseCode.badMessage, error.message);
      this.#write({ type: 'close', visit, code: CloseCode.badMessage, reason: error.message });
    }
  }

  #end(visit: string): void {
    const known = this.#persons.get(visit);
    if (known === undefined) return;
    this.#persons.delete(visit);
    this.#options.visits.end(visit, known.address);
    known.person.end();
  }
}
