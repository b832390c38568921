import type { IncomingMessage, ServerResponse } from 'node:http';
import { beforeEach, describe, expect, test } from 'vitest';
import { DEFAULT_ORGANISMS, Lists, MAX_ORGANISMS_LISTED } from '../../server/http/lists.ts';
import type { OrganismSummary, WorldLink, WorldQuery } from '../../server/world/messages.ts';

/** What a response was told. */
interface Reply {
  status: number;
  readonly headers: Map<string, string>;
  body: Buffer;
}

let asked: WorldQuery[];
let nowMs: number;
let version: number;
let lists: Lists;

const organism = (id: number): OrganismSummary => ({
  id,
  species: 'pikachu',
  x: id,
  y: 0,
  ageSteps: 1,
  health: 1,
  cells: 1,
  planter: '',
});

/** A world with organisms 1 to 3,000. */
const world = {
  async ask(query: WorldQuery) {
    asked.push(query);
    if (query.kind === 'census')
      return query.known === version ? null : { version, bytes: Uint8Array.of(version, 2, 3) };
    if (query.kind !== 'organisms') throw new Error(query.kind);
    const { after = 0, limit = 3_000 } = query;
    return Array.from({ length: Math.min(limit, 3_000 - after) }, (_, i) => organism(after + 1 + i));
  },
} as unknown as WorldLink;

function responseTo(reply: Reply): ServerResponse {
  const response = {
    setHeader: (name: string, value: string) => reply.headers.set(name.toLowerCase(), value),
    writeHead: (status: number, headers: Record<string, string> = {}) => {
      reply.status = status;
      for (const [name, value] of Object.entries(headers))
        reply.headers.set(name.toLowerCase(), String(value));
      return response;
    },
    end: (body: Buffer = Buffer.alloc(0)) => {
      reply.body = body;
    },
  } as unknown as ServerResponse;
  return response;
}

const empty = (): Reply => ({ status: 0, headers: new Map(), body: Buffer.alloc(0) });

async function organisms(query: string): Promise<Reply & { readonly ids: number[] }> {
  const reply = empty();
  await lists.organisms(new URLSearchParams(query), responseTo(reply));
  const list = JSON.parse(reply.body.toString());
  return { ...reply, ids: Array.isArray(list) ? list.map(({ id }: OrganismSummary) => id) : [] };
}

async function census(known?: string): Promise<Reply> {
  const reply = empty();
  const headers = known === undefined ? {} : { 'if-none-match': known };
  await lists.census({ headers } as IncomingMessage, responseTo(reply));
  return reply;
}

beforeEach(() => {
  asked = [];
  nowMs = 0;
  version = 1;
  lists = new Lists(world, () => nowMs);
});

describe('lists of organisms', () => {
  test('have 1,000 organisms, and say where the next ones are until there are no more', async () => {
    let query = '';
    const all: number[] = [];
    const links: (string | undefined)[] = [];
    for (let page = 0; page < 4; page++) {
      const { ids, headers } = await organisms(query);
      all.push(...ids);
      const link = headers.get('link');
      links.push(link);
      if (link === undefined) break;
      query = /^<\?(.*)>; rel="next"$/.exec(link)![1];
    }
    expect(all).toEqual(Array.from({ length: 3_000 }, (_, i) => i + 1));
    expect(links).toEqual(['<?after=1000>; rel="next"', '<?after=2000>; rel="next"', undefined]);
    expect(DEFAULT_ORGANISMS).toBe(1_000);
  });

  test('keep their limit and species from page to page', async () => {
    const { ids, headers } = await organisms('limit=2&species=mew&after=7');
    expect(ids).toEqual([8, 9]);
    expect(headers.get('link')).toBe('<?limit=2&species=mew&after=9>; rel="next"');
    expect(asked).toEqual([{ kind: 'organisms', after: 7, species: 'mew', limit: 3 }]);
  });

  test('near a place have no next page', async () => {
    const { headers } = await organisms('near=30,40&limit=5');
    expect(headers.has('link')).toBe(false);
    expect(asked).toEqual([{ kind: 'organisms', near: { x: 30, y: 40 }, limit: 5 }]);
  });

  test.each([
    ['limit=0', 'limit must be a whole number from 1 to 5000'],
    ['limit=5001', 'limit must be a whole number from 1 to 5000'],
    ['after=-1', 'after must be a whole number from 0 to 65535'],
    ['after=x', 'after must be a whole number from 0 to 65535'],
    ['near=5', "near's y must be a whole number from 0 to 65535"],
    ['near=5,6,7', 'near must be two numbers, x,y'],
    ['near=1e3,6', "near's x must be a whole number from 0 to 65535"],
    ['near=1,6&after=3', 'near goes without after and species'],
  ])('by %s are refused: %s', async (query, error) => {
    const { status, body } = await organisms(query);
    expect([status, JSON.parse(body.toString())]).toEqual([400, { error }]);
    expect(asked).toEqual([]);
    expect(MAX_ORGANISMS_LISTED).toBe(5_000);
  });

  test('are asked of the world once for all who ask for the same within 250 ms', async () => {
    await Promise.all([organisms(''), organisms(''), organisms('limit=1000'), organisms('after=3')]);
    expect(asked).toHaveLength(2);
    nowMs = 250;
    await organisms('');
    expect(asked).toHaveLength(2);
    nowMs = 251;
    await organisms('');
    expect(asked).toHaveLength(3);
  });

  test('of more than 32 kinds at the same time are refused', async () => {
    for (let id = 0; id < 32; id++) await organisms(`after=${id}`);
    await expect(organisms('after=99')).rejects.toThrow('32 other lists');
    nowMs = 300;
    expect((await organisms('after=99')).status).toBe(200);
  });
});

describe('the census', () => {
  test('is sent whole, and not again to who has it already', async () => {
    const first = await census();
    expect([first.status, [...first.body]]).toEqual([200, [1, 2, 3]]);
    expect(first.headers.get('cache-control')).toBe('no-cache');
    const tag = first.headers.get('etag')!;
    nowMs = 5_000;
    const again = await census(tag);
    expect([again.status, again.body.length, again.headers.get('etag')]).toEqual([304, 0, tag]);
    version = 2;
    nowMs = 10_000;
    const newer = await census(tag);
    expect([newer.status, [...newer.body]]).toEqual([200, [2, 2, 3]]);
    expect(newer.headers.get('etag')).not.toBe(tag);
  });

  test('is asked of the world at most once per second, and comes without bytes when it is the same', async () => {
    await Promise.all([census(), census(), census()]);
    nowMs = 1_000;
    await census();
    expect(asked).toEqual([{ kind: 'census', known: null }]);
    nowMs = 1_001;
    expect([...(await census()).body]).toEqual([1, 2, 3]);
    expect(asked.slice(1)).toEqual([{ kind: 'census', known: 1 }]);
  });

  test('of another process has another name, though its version is the same', async () => {
    const tag = (await census()).headers.get('etag')!;
    lists = new Lists(world, () => nowMs);
    expect((await census(tag)).status).toBe(200);
  });
});
