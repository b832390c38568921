/** Opens a world that another process owns to clients whose sockets are in this one. */

import { AddressRanges } from './addressRanges.ts';
import type { Config } from './config.ts';
import { Addresses, Proxies } from './http/addresses.ts';
import { Api } from './http/api.ts';
import { Assets } from './http/assets.ts';
import { packRequest, sendReply } from './http/forwarding.ts';
import { Hosts } from './http/hosts.ts';
import { replyJson } from './http/replies.ts';
import { descriptorLimit, maxSocketsFor } from './http/sockets.ts';
import { Status } from './http/status.ts';
import type { RelayLink } from './links/relayLink.ts';
import { RelayPeople } from './links/relayPeople.ts';
import type { Log } from './log/log.ts';
import { mayRead } from './metrics/metrics.ts';
import { readVersion } from './metrics/version.ts';
import type { AnsweredRequest } from './metrics/visitorMetrics.ts';
import { SignedSeats } from './rooms/signedSeats.ts';
import { openRoom, SEAT_SECONDS } from './rooms/worldRoom.ts';
import { createServer, type RequestDoor, type Server } from './server.ts';
import { BUILT_CLIENT, HEAD_MS, type SocketOptions } from './serveWorld.ts';
import { Tally } from './tally.ts';
import { NoAnswerError } from './world/messages.ts';

/** All relays' rooms have this id: a seat that one of them gave is good at any other. */
const ROOM_ID = 'relayed';
/** The world's process is told this often what was counted here. */
const COUNTS_MS = 2_000;
/** Requests that are told of at a time; of more, the others are not in the metrics. */
const MAX_ANSWERED = 2_000;
/** The reader of the metrics was checked here. */
const NOBODY = { address: '', isSecure: false };

/** @param config - of it, only what concerns connections counts; the rest is the owner's */
export async function serveRelay(
  link: RelayLink,
  config: Config,
  log: Log,
  { pages = BUILT_CLIENT, headMs = HEAD_MS, maxSockets }: SocketOptions = {},
): Promise<Server> {
  const { host, port, perAddress, trustProxy } = config;
  const { framesPerSecond, maxPlayers } = link.welcome;
  const proxies = new Proxies(trustProxy, (line) => log.warn(line));
  const addresses = new Addresses({ perAddress, proxies, seatMs: SEAT_SECONDS * 1_000 });
  const people = new RelayPeople(link);
  const tally = new Tally();
  const room = await openRoom({
    roomId: ROOM_ID,
    world: link,
    people,
    tally,
    log,
    tellPlayers: () => people.players.tick(),
    maxPlayers,
    viewerBytesPerSecond: config.viewerBytesPerSecond,
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
  const readers = new AddressRanges(config.metricsFrom);
  /** Requests that the world's process has not been told of. */
  let answered: AnsweredRequest[] = [];
  const forward = forwardOver(link);
  const server = await createServer({
    host,
    port,
    room,
    api: new Api(link, framesPerSecond),
    status,
    metrics: {
      answered({ route, status, seconds }) {
        if (answered.length < MAX_ANSWERED) answered.push({ route, status, seconds });
      },
      async handle(request, response) {
        if (!mayRead(request, response, { readers, proxies })) return;
        await forward(request, response, new URL('http://regrow/metrics'), NOBODY);
      },
    },
    tally,
    log,
    proxies,
    addresses,
    door: {
      admit: (token, address) => link.call({ kind: 'admit', token, address }),
      // The process of the world looks when the visit opens.
      bansAddress: () => false,
      comes: () => null,
    },
    seats: new SignedSeats(room, () => link.welcome.seatKey, SEAT_SECONDS * 1_000),
    hosts: new Hosts({ publicUrl: config.publicUrl, proxies }),
    admin: { handle: forward },
    nursery: { handle: forward },
    assets: new Assets(pages),
    headMs,
    maxSockets: maxSockets ?? maxSocketsFor(maxPlayers, descriptorLimit()),
  });
  const counting = setInterval(() => {
    const { connections } = server;
    if (!link.isUp) return;
    link.tell({ type: 'counts', counts: tally.takeCounts(), connections, answered });
    answered = [];
  }, COUNTS_MS);
  return {
    url: server.url,
    get connections() {
      return server.connections;
    },
    close: () => {
      clearInterval(counting);
      link.onFrame = () => {};
      link.onStats = () => {};
      return server.close();
    },
  };
}

/** Requests that the process of the world answers. */
function forwardOver(link: RelayLink): RequestDoor['handle'] {
  return async (request, response, url, caller) => {
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
