/** Opens a world to relays, whatever way they come by: its people are here, their sockets are there. */
import { randomBytes } from 'node:crypto';
import { Forwarding } from '../http/forwarding.ts';
import { replyJson } from '../http/replies.ts';
import { Hub } from '../links/hub.ts';
import type { SharedWorld } from '../links/sharedWorld.ts';
import type { HubTransport } from '../links/transport.ts';
import { PortraitPainter } from '../lobby/portrait.ts';
import { SEAT_KEY_BYTES } from '../rooms/signedSeats.ts';
import type { Host } from './openHost.ts';

export function openHub(
  {
    world,
    config,
    guests,
    admin,
    nursery,
    term,
    isStopping,
    log,
    crowd,
    tally,
    metrics,
    visits,
    connections,
  }: Host,
  shared: SharedWorld,
  transport: HubTransport,
): Hub {
  const { title, framesPerSecond, maxPlayers } = config;
  const forwarding = new Forwarding(async (request, response, url, caller) => {
    if (url.pathname === '/metrics') await metrics.reply(response);
    else if (nursery !== null && url.pathname.startsWith('/api/nursery'))
      await nursery.handle(request, response, url, caller);
    else if (admin !== null) await admin.handle(request, response, url, caller);
    else replyJson(response, 404, { error: 'this server has no admin' });
  });
  const painter = new PortraitPainter({ world, now: () => performance.now() });
  const hub = new Hub({
    world: shared,
    transport,
    crowd,
    visits,
    size: world,
    comes: (address) => guests.comes(address),
    term,
    title,
    framesPerSecond,
    maxPlayers,
    seatKey: randomBytes(SEAT_KEY_BYTES),
    admit: (token, address) => guests.admit(token, address),
    forward: (request) => forwarding.answer(request),
    paint: (known) => painter.paint(known),
    isStopping,
    count(counts, answered) {
      tally.add(counts);
      for (const one of answered) metrics.answered(one);
    },
    log: (line) => log.warn(line),
  });
  connections.add(() => hub.connections);
  return hub;
}
