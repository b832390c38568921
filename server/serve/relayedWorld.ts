/** A world that another process owns, as a relay serves it: its room, its pictures, and the way to its people. */
import type { IncomingMessage } from 'node:http';
import type { AddressRanges } from '../addressRanges.ts';
import { FairTurns } from '../fairTurns.ts';
import type { Addresses, Proxies } from '../http/addresses.ts';
import { Api } from '../http/api.ts';
import { BodyRefusal, forwardRequest, HeldBodies, sendReply } from '../http/forwarding.ts';
import type { PictureLimits } from '../http/pictures.ts';
import { replyJson } from '../http/replies.ts';
import { Status } from '../http/status.ts';
import type { RelayLink } from '../links/relayLink.ts';
import { RelayPeople } from '../links/relayPeople.ts';
import type { Log } from '../log/log.ts';
import { mayRead } from '../metrics/metrics.ts';
import { readVersion } from '../metrics/version.ts';
import type { AnsweredRequest } from '../metrics/visitorMetrics.ts';
import { SignedSeats } from '../rooms/signedSeats.ts';
import { openRoom, SEAT_SECONDS } from '../rooms/worldRoom.ts';
import { Tally } from '../tally.ts';
import { NoAnswerError } from '../world/messages.ts';
import type { RequestDoor, ServedWorld } from './routes.ts';

/** The world's process is told this often what was counted here. */
const COUNTS_MS = 2_000;
/** Requests that are told of at a time; of more, the others are not in the metrics. */
const MAX_ANSWERED = 2_000;
/**
 * Requests of one kind that the process of the world is asked at a time; it answers most within a millisecond. Answers of
 * half a megabyte, as films are, do not fill the way back.
 */
const MAX_UNDER_WAY = 64;
/** A class of a hundred behind one address joins at once. */
const WAITING = { maxPerGuest: 128, maxPerAddress: 128, max: 1_024 };
/** The reader of the metrics was checked here. */
const NOBODY = { address: '', isSecure: false };

export interface RelayedOptions {
  /** At all relays the same: a seat that one of them gave is good at any other. */
  readonly roomId: string;
  readonly viewerBytesPerSecond: number;
  readonly addresses: Addresses;
  readonly proxies: Proxies;
  /** Who may read the metrics. */
  readonly readers: AddressRanges;
  /** TCP connections that are counted as the world's; default: those of its clients. */
  readonly connections?: () => number;
  /** Limits of all worlds together; default: of this world alone. */
  readonly pictureLimits?: PictureLimits;
  /** Room for what newcomers need at once (`stream/deliver/chains.ts`); default: what one world may take. */
  readonly chainBytes?: number;
  readonly log: Log;
}

export interface RelayedWorld extends ServedWorld {
  /** Visits in the whole world. */
  readonly players: number;
  /** The room stays, and is told nothing more of the world. */
  stop(): void;
}

/** After `openMatchmaker`. */
export async function openRelayedWorld(
  link: RelayLink,
  { roomId, viewerBytesPerSecond, addresses, proxies, readers, log, ...options }: RelayedOptions,
): Promise<RelayedWorld> {
  const { framesPerSecond, maxPlayers } = link.welcome;
  const tally = new Tally();
  const people = new RelayPeople(link, tally);
  const room = await openRoom({
    ...{ roomId, world: link, people, tally, log, maxPlayers, viewerBytesPerSecond },
    chainBytes: options.chainBytes,
    tellPlayers: () => people.players.tick(),
    addressOf: (sessionId) => addresses.ofVisit(sessionId),
  });
  people.audience = room;
  const status = new Status({
    world: link,
    players: () => people.players.count,
    isStopping: () => link.isStopping,
    version: readVersion(link.ready.engine),
  });
  link.onFrame = (frame) => {
    status.heard();
    room.publish(frame);
  };
  link.onStats = (stats) => status.heard(stats);
  const connections = options.connections ?? ((): number => room.clients.length);
  /** Requests that the world's process has not been told of. */
  let answered: AnsweredRequest[] = [];
  const counting = setInterval(() => {
    if (!link.isUp) return;
    link.tell({ type: 'counts', counts: tally.takeCounts(), connections: connections(), answered });
    answered = [];
  }, COUNTS_MS);
  const forward = forwardOver(link);
  const joins = worldTurns();
  return {
    ...{ room, status, tally },
    api: new Api(link, framesPerSecond, options.pictureLimits),
    metrics: {
      answered({ route, status, seconds }) {
        if (answered.length < MAX_ANSWERED) answered.push({ route, status, seconds });
      },
      async handle(request, response) {
        if (!mayRead(request, response, { readers, proxies })) return;
        await forward(request, response, new URL('http://regrow/metrics'), NOBODY);
      },
    },
    door: {
      admit: (token, address) =>
        joins.take({ guest: '', address }, () => link.call({ kind: 'admit', token, address })),
      // The process of the world looks when the visit opens.
      bansAddress: () => false,
      comes: () => null,
    },
    seats: new SignedSeats(room, () => link.welcome.seatKey, SEAT_SECONDS * 1_000),
    admin: { handle: forward },
    nursery: { handle: forward },
    get players() {
      return people.players.count;
    },
    stop() {
      clearInterval(counting);
      link.onFrame = () => {};
      link.onStats = () => {};
    },
  };
}

/**
 * Requests that the process of the world answers. It is asked in fair turns, and each body is counted, because a stranger's
 * request costs the way to the world as much as an admin's.
 */
function forwardOver(link: RelayLink): RequestDoor['handle'] {
  const bodies = new HeldBodies();
  const turns = worldTurns();
  return async (request: IncomingMessage, response, url, caller) => {
    try {
      const by = { guest: '', address: caller.address };
      const path = `${url.pathname}${url.search}`;
      const reply = await forwardRequest(request, path, caller, bodies, (packed) =>
        turns.take(by, async () => {
          if (response.closed) throw new NoAnswerError('nobody waits for the answer any more');
          return link.call({ kind: 'http', request: packed });
        }),
      );
      sendReply(response, reply);
    } catch (error) {
      if (error instanceof BodyRefusal) {
        response.setHeader('Connection', 'close');
        if (error.status !== 413) response.setHeader('Retry-After', '1');
        replyJson(response, error.status, { error: error.message });
      } else if (error instanceof NoAnswerError) replyJson(response, 503, { error: error.message });
      else throw error;
    }
  };
}

/** Fair turns of those who ask the process of a world. */
const worldTurns = (): FairTurns =>
  new FairTurns({
    maxUnderWay: MAX_UNDER_WAY,
    waiting: WAITING,
    refusal: () => new NoAnswerError('too much is asked of the world at once'),
  });
