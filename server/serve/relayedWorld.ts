/** A world that another process owns, as a relay serves it: its room, its pictures, and the way to its people. */
import type { IncomingMessage } from 'node:http';
import type { AddressRanges } from '../addressRanges.ts';
import type { Addresses, Proxies } from '../http/addresses.ts';
import { Api } from '../http/api.ts';
import { packRequest, sendReply } from '../http/forwarding.ts';
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
  /** Of all worlds together; default: of this one. */
  readonly pictureLimits?: PictureLimits;
  /** Of what newcomers need at once (`stream/deliver/chains.ts`); default: what one world may take. */
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
      admit: (token, address) => link.call({ kind: 'admit', token, address }),
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

/** Requests that the process of the world answers. */
function forwardOver(link: RelayLink): RequestDoor['handle'] {
  return async (request: IncomingMessage, response, url, caller) => {
    const packed = await packRequest(request, `${url.pathname}${url.search}`, caller);
    if (packed === null) {
      response.setHeader('Connection', 'close');
      replyJson(response, 413, { error: 'the request is too long' });
      return;
    }
    try {
      sendReply(response, await link.call({ kind: 'http', request: packed }));
    } catch (error) {
      if (!(error instanceof NoAnswerError)) throw error;
      replyJson(response, 503, { error: error.message });
    }
  };
}
