/** `POST /matchmake/join/world`, from any of this machine's addresses. */
import { request } from 'node:http';

export interface Seat {
  readonly processId: string;
  readonly roomId: string;
  readonly sessionId: string;
}

const MAX_ANSWER_BYTES = 65_536;

/**
 * @param url - of the world, with a slash at the end
 * @param options - what a client sends with its join
 * @param localAddress - where the connection comes from; undefined: the system chooses
 * @throws Error with the status and the server's words when it refuses, or why there was no answer
 */
export function reserveSeat(
  url: string,
  options: object,
  localAddress: string | undefined,
  signal: AbortSignal,
): Promise<Seat> {
  return new Promise((resolve, reject) => {
    const sent = request(`${url}matchmake/join/world`, {
      method: 'POST',
      agent: false,
      localAddress,
      signal,
    });
    sent.on('error', reject);
    sent.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('error', reject);
      response.on('data', (part: string) => {
        text += part;
        if (text.length > MAX_ANSWER_BYTES) response.destroy(new Error('an endless answer'));
      });
      response.on('end', () => {
        if (response.statusCode === 200) resolve(JSON.parse(text) as Seat);
        else reject(new Error(`no seat: ${response.statusCode} ${text}`));
      });
    });
    sent.end(JSON.stringify(options));
  });
}

export const seatAddress = (url: string, { processId, roomId, sessionId }: Seat): string =>
  `${url.replace('http', 'ws')}${processId}/${roomId}?sessionId=${sessionId}`;
