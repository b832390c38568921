import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { type LogFormat, type LogLevel, ProcessLog } from '../../server/log/log.ts';
import {
  LINES_PER_SECOND,
  MAX_LINES_AT_ONCE,
  MAX_WAITING_BYTES,
  Outlet,
  type OutletStream,
} from '../../server/log/outlet.ts';
import { HIDDEN } from '../../server/log/secrets.ts';

class FakeStream implements OutletStream {
  readonly isTTY: boolean;
  writableLength = 0;
  text = '';
  listeners = 0;

  constructor(isTTY = false) {
    this.isTTY = isTTY;
  }

  write(text: string): void {
    this.text += text;
  }

  on(): void {
    this.listeners++;
  }

  get lines(): string[] {
    return this.text.split('\n').slice(0, -1);
  }
}

let out: FakeStream;
let err: FakeStream;
function makeLog(
  more: { level?: LogLevel; format?: LogFormat; isTTY?: boolean; secrets?: string[] } = {},
): ProcessLog {
  out = new FakeStream(more.isTTY);
  err = new FakeStream(more.isTTY);
  return new ProcessLog({ level: 'info', format: 'auto', out, err, ...more });
}

describe('a line', () => {
  test('is JSON with level, time, text and facts where nobody sits at a terminal', () => {
    makeLog().info('joined', { guest: 'abc', address: '192.0.2.7' });
    const { time, ...line } = JSON.parse(out.text) as Record<string, string>;
    expect(Math.abs(Date.parse(time) - Date.now())).toBeLessThan(60_000);
    expect(line).toEqual({ level: 'info', msg: 'joined', guest: 'abc', address: '192.0.2.7' });
  });

  test('is its text alone on a terminal; debug lines have their facts there', () => {
    const log = makeLog({ isTTY: true, level: 'debug' });
    log.info('Regrow is at http://localhost:2567/', { request: 'r1' });
    log.debug('joined', { guest: 'abc', address: '192.0.2.7' });
    expect(out.lines).toEqual(['Regrow is at http://localhost:2567/', 'joined guest=abc address=192.0.2.7']);
  });

  test.each([
    ['text', false, 'hello'],
    ['json', true, '{'],
  ] as const)('is %s where that is asked for, on a terminal (%s) or not', (format, isTTY, begin) => {
    makeLog({ format, isTTY }).info('hello');
    expect(out.text.startsWith(begin)).toBe(true);
  });

  test('goes to standard output, warnings and errors to standard error', () => {
    const log = makeLog({ format: 'text' });
    log.info('one');
    log.warn('two');
    log.error('three');
    expect([out.lines, err.lines]).toEqual([['one'], ['two', 'three']]);
  });

  test('is left out below the level that is set', () => {
    for (const [level, lines] of [
      ['debug', 4],
      ['info', 3],
      ['warn', 2],
      ['error', 1],
      ['silent', 0],
    ] as const) {
      const log = makeLog({ level, format: 'text' });
      for (const of of ['debug', 'info', 'warn', 'error'] as const) log[of](of);
      expect([level, out.lines.length + err.lines.length]).toEqual([level, lines]);
    }
  });

  test('of an error has its message and its stack, in one line of JSON', () => {
    makeLog().error('http: GET failed', { error: new TypeError('x is not a function') });
    expect(err.lines).toHaveLength(1);
    const { error } = JSON.parse(err.text) as { error: { type: string; message: string; stack: string } };
    expect(error).toMatchObject({ type: 'TypeError', message: 'x is not a function' });
    expect(error.stack).toContain('log.test.ts');
    makeLog({ format: 'text' }).error('http: GET failed', { error: new TypeError('x is not a function') });
    expect(err.lines[0]).toBe('http: GET failed TypeError: x is not a function');
    expect(err.lines[1]).toMatch(/^ +at /);
  });

  test('cannot steer a terminal, whatever a visitor calls themselves', () => {
    makeLog({ format: 'text' }).info('a name: \u001b[2J\u009b1m\u0007\rabc\ttab');
    expect(out.lines).toEqual(['a name: ?[2J?1m??abc\ttab']);
  });

  test('is cut where it has more than 8,192 characters', () => {
    makeLog({ format: 'text' }).info('x'.repeat(100_000));
    expect(out.lines[0]).toHaveLength(8_192);
  });
});

describe('what nobody may read', () => {
  const token = (bytes: number): string => {
    // Some random ones have no capital; one in 10^7.
    for (;;) {
      const text = randomBytes(bytes).toString('base64url');
      if (/[A-Z]/.test(text)) return text;
    }
  };

  test.each([
    ["a guest's token", () => `${token(16)}.${token(32)}`],
    ["an admin's cookie", () => token(32)],
    ["an admin's token", () => token(24)],
  ])('%s is hidden in texts, facts and errors', (_what, make) => {
    for (let i = 0; i < 50; i++) {
      const secret = make();
      const log = makeLog({ level: 'debug' });
      log.info(`bad JSON: {"token":"${secret}"}`, { cookie: `regrow_admin=${secret}; x=1` });
      log.error('failed', { error: new SyntaxError(`Unexpected token in "${secret}"`) });
      expect(out.text + err.text).not.toContain(secret);
      expect(out.text).toContain(HIDDEN);
    }
  });

  test('the token of the settings is hidden, whatever characters it has', () => {
    const secret = 'quite "a" token\\ of mine';
    makeLog({ secrets: [secret, ''] }).info(`somebody sent ${secret}`);
    expect((JSON.parse(out.text) as { msg: string }).msg).toBe(`somebody sent ${HIDDEN}`);
  });

  test('ids of guests and of requests, commits and hashes are no tokens', () => {
    const ids = [
      randomBytes(16).toString('base64url'),
      randomBytes(16).toString('hex'),
      crypto.randomUUID(),
      randomBytes(20).toString('hex'),
      randomBytes(32).toString('hex'),
    ];
    makeLog({ format: 'text' }).info(ids.join(' '));
    expect(out.lines).toEqual([ids.join(' ')]);
  });
});

describe('a log that cannot be written', () => {
  let nowMs: number;
  let stream: FakeStream;
  let outlet: Outlet;
  beforeEach(() => {
    nowMs = 0;
    stream = new FakeStream();
    outlet = new Outlet(stream, () => nowMs);
  });

  test('drops lines and counts them while more than 1 MiB waits for its reader', () => {
    stream.writableLength = MAX_WAITING_BYTES;
    expect(outlet.write('a\n')).toBe(true);
    stream.writableLength++;
    expect(outlet.write('b\n')).toBe(false);
    expect(outlet.dropped).toBe(1);
    stream.writableLength = 0;
    expect(outlet.write('c\n')).toBe(true);
    expect(stream.lines).toEqual(['a', 'c']);
    expect([outlet.takeUntold(), outlet.takeUntold()]).toEqual([1, 0]);
  });

  test(`is not filled by a bug: ${MAX_LINES_AT_ONCE} lines at once, then ${LINES_PER_SECOND} per second`, () => {
    for (let i = 0; i < 5_000; i++) outlet.write('x\n');
    expect(stream.lines).toHaveLength(MAX_LINES_AT_ONCE);
    nowMs += 1_000;
    for (let i = 0; i < 5_000; i++) outlet.write('x\n');
    expect(stream.lines).toHaveLength(MAX_LINES_AT_ONCE + LINES_PER_SECOND);
  });

  test('says how many lines it has left out, as soon as it can', () => {
    const log = makeLog({ format: 'text' });
    out.writableLength = MAX_WAITING_BYTES + 1;
    for (let i = 0; i < 3; i++) log.info('lost');
    out.writableLength = 0;
    log.info('found');
    expect(out.lines[0]).toBe('found');
    expect(out.lines[1]).toMatch(/left out.*: 3$/);
    expect(log.dropped).toBe(3);
  });

  test('has a listener for errors of its stream, which would end the process', () => {
    expect(stream.listeners).toBe(1);
  });

  test.skipIf(process.platform === 'win32')('takes from a terminal what makes Node wait for it', () => {
    const set: boolean[] = [];
    const handle = { setBlocking: (isBlocking: boolean) => set.push(isBlocking) };
    new Outlet(Object.assign(new FakeStream(true), { _handle: handle }));
    expect(set).toEqual([false]);
  });

  /** Runs a process that logs 4 MB to where nobody reads, and answers how it fared. */
  const flood = `
    const { ProcessLog } = await import(${JSON.stringify(join(import.meta.dirname, '../../server/log/log.ts'))});
    const log = new ProcessLog({ level: 'info', format: 'json', out: process.stdout, err: process.stderr });
    for (let i = 0; i < 900; i++) log.warn('x'.repeat(5000));
    setTimeout(() => { process.send({ dropped: log.dropped }); process.exit(7); }, 50);`;

  test('does not make its process wait while a reader of a pipe has stopped, nor keep it from ending', async () => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', flood], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    const told = new Promise<{ dropped: number }>((resolve) => child.once('message', resolve as () => void));
    const code = new Promise((resolve) => child.once('exit', resolve));
    expect((await told).dropped).toBeGreaterThan(100);
    expect(await code).toBe(7);
  });
});
