/** Opens a world that another process owns to clients whose sockets are in this one. */
import type { Config } from './config.ts';
import { Addresses, Proxies } from './http/addresses.ts';
import { Api } from './http/api.ts';
import { Assets } from './http/assets.ts';
import { packRequest, sendReply } from './http/forwarding.ts';
import { Hosts } from './http/hosts.ts';
import { replyJson } from './http/replies.ts';
import { descriptorLimit, maxSocketsFor } from './http/sockets.ts';
import type { RelayLink } from './links/relayLink.ts';
import { RelayPeople } from './links/relayPeople.ts';
import { SignedSeats } from './rooms/signedSeats.ts';
import { openRoom, SEAT_SECONDS } from './rooms/worldRoom.ts';
import { type AdminDoor, createServer, type Server } from './server.ts';
import { BUILT_CLIENT, HEAD_MS, type ServeOptions } from './serveWorld.ts';
import { NoAnswerError } from './world/messages.ts';

/** All relays' rooms have this id: a seat that one of them gave is good at any other. */
const ROOM_ID = 'relayed';

/** @param config - of it, only what concerns connections counts; the rest is the owner's */
export async function serveRelay(
  link: RelayLink,
  config: Config,
  {
    pages = BUILT_CLIENT,
    headMs = HEAD_MS,
    maxSockets,
  }: Pick<ServeOptions, 'pages' | 'headMs' | 'maxSockets'> = {},
): Promise<Server> {
  const { host, port, perAddress, trustProxy } = config;
  const { framesPerSecond, maxPlayers } = link.welcome;
  const proxies = new Proxies(trustProxy, (line) => console.error(line));
  const addresses = new Addresses({ perAddress, proxies, seatMs: SEAT_SECONDS * 1_000 });
  const people = new RelayPeople(link);
  const room = await openRoom({
    roomId: ROOM_ID,
    world: link,
    people,
    tellPlayers: () => people.players.tick(),
    maxPlayers,
    viewerBytesPerSecond: config.viewerBytesPerSecond,
    addressOf: (sessionId) => addresses.ofVisit(sessionId),
  });
  people.audience = room;
  const api = new Api(link, framesPerSecond, () => people.players.count);
  link.onFrame = (frame) => {
    api.heard();
    room.publish(frame);
  };
  link.onStats = (stats) => api.heard(stats);
  const server = await createServer({
    host,
    port,
    room,
    api,
    addresses,
    door: {
      admit: (token, address) => link.call({ kind: 'admit', token, address }),
      // The process of the world looks when the visit opens.
      bansAddress: () => false,
    },
    seats: new SignedSeats(room, () => link.welcome.seatKey, SEAT_SECONDS * 1_000),
    hosts: new Hosts({ publicUrl: config.publicUrl, proxies }),
    admin: adminOver(link),
    assets: new Assets(pages),
    headMs,
    maxSockets: maxSockets ?? maxSocketsFor(maxPlayers, descriptorLimit()),
  });
  return {
    url: server.url,
    close: () => {
      link.onFrame = () => {};
      link.onStats = () => {};
      return server.close();
    },
  };
}

/** An admin's requests, answered by the process of the world. */
function adminOver(link: RelayLink): AdminDoor {
  return {
    async handle(request, response, url, caller) {
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
    },
  };
}
