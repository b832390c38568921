/** Real proxies with TLS before a server, each set up as the recipe in `server/service/README.md` says. */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { type RequestOptions, request } from 'node:https';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'vitest';
import { withFile } from '../started.ts';

const RECIPES = join(import.meta.dirname, '../../server/service/README.md');
/** What the recipes call the site, its port, its certificate and the server. */
const SITE = 'example.org';
const SERVER = '127.0.0.1:2567';
const CERTIFICATE = '/etc/ssl/example.org';
const START_MS = 30_000;

export type ProxyName = 'nginx' | 'haproxy' | 'caddy';
export const PROXIES: readonly ProxyName[] = ['nginx', 'haproxy', 'caddy'];

export interface Around {
  /** The proxy listens here, on the loopback. */
  readonly port: number;
  /** `host:port` of the server. */
  readonly server: string;
  /** Under which the world is served, with a slash at both ends. */
  readonly path: string;
}

export interface RunningProxy {
  /** All that it has printed. */
  readonly output: () => string;
  stop(): Promise<void>;
}

/** Debian installs servers where only root looks. */
const FOLDERS = [
  ...(process.env.PATH ?? '').split(delimiter),
  '/usr/sbin',
  '/usr/local/sbin',
  '/opt/homebrew/bin',
];

/** Path of a program; null: it is not installed. */
export const findProgram = (name: string): string | null =>
  FOLDERS.map((folder) => join(folder, name)).find((path) => existsSync(path)) ?? null;

export const LIMIT_MS = 120_000;
const isRequired = (process.env.REGROW_REQUIRE_PROXIES ?? '') !== '';

/** Skips, where the packages are not needed, a test whose programs are missing; else it fails and names them. */
export function testWith(proxies: readonly ProxyName[], title: string, work: () => Promise<void>): void {
  const lacking = [...proxies, 'openssl'].filter((program) => findProgram(program) === null);
  const run = lacking.length > 0 && !isRequired ? test.skip : test;
  run(title, { timeout: 4 * LIMIT_MS }, () => {
    if (lacking.length > 0) throw new Error(`install ${lacking.join(', ')}`);
    return work();
  });
}

/** What operators are told. @throws Error when the README has no block in the proxy's language */
export function recipeOf(proxy: ProxyName): string {
  const { language } = SETUPS[proxy];
  const [, recipe] =
    new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(readFileSync(RECIPES, 'utf8')) ?? [];
  if (recipe === undefined) throw new Error(`${RECIPES} has no block of ${language}`);
  return recipe;
}

/** Puts other parts in place of some. @throws Error when a part is not there: then the recipe says something else */
export function adapt(recipe: string, parts: Readonly<Record<string, string>>): string {
  let adapted = recipe;
  for (const [part, other] of Object.entries(parts)) {
    if (!adapted.includes(part)) throw new Error(`the recipe has no ${JSON.stringify(part)}`);
    adapted = adapted.replaceAll(part, other);
  }
  return adapted;
}

/** What the proxy is started with, and the file that it reads. */
interface Setup {
  readonly language: string;
  readonly file: string;
  readonly args: readonly string[];
  /** The recipe on another port, before another server, with a certificate and all that belongs around it. */
  configure(recipe: string, around: Around, folder: string): string;
}

const NGINX: Setup = {
  language: 'nginx',
  file: 'nginx.conf',
  args: ['-p', '.', '-e', 'stderr', '-c', 'nginx.conf'],
  configure: (recipe, { port, server }, folder) => {
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (kind) => `${kind}_temp_path ${folder}/${kind};`,
    );
    return [
      'daemon off;',
      // One process, which a signal to it ends.
      'master_process off;',
      `pid ${folder}/nginx.pid;`,
      'events {}',
      `http { access_log off; ${temporary.join(' ')}`,
      adapt(recipe, {
        'listen 443 ': `listen 127.0.0.1:${port} `,
        [SERVER]: server,
        [CERTIFICATE]: `${folder}/tls`,
      }),
      '}',
    ].join('\n');
  },
};

const SETUPS: Readonly<Record<ProxyName, Setup>> = {
  nginx: NGINX,
  haproxy: {
    language: 'haproxy',
    file: 'haproxy.cfg',
    args: ['-db', '-f', 'haproxy.cfg'],
    configure: (recipe, { port, server }, folder) =>
      adapt(recipe, {
        'bind :443 ': `bind 127.0.0.1:${port} `,
        [SERVER]: server,
        [CERTIFICATE]: `${folder}/tls`,
      }),
  },
  caddy: {
    language: 'caddyfile',
    file: 'Caddyfile',
    args: ['run', '--config', 'Caddyfile', '--adapter', 'caddyfile'],
    configure: (recipe, { port, server }, folder) =>
      `{\nadmin off\nauto_https disable_redirects\n}\n${adapt(recipe, {
        [`${SITE} {`]: `https://${SITE}:${port} {\nbind 127.0.0.1\ntls ${folder}/tls.crt ${folder}/tls.key`,
        [SERVER]: server,
      })}`,
  },
};

/** nginx with the least that works: it takes the path off, and passes on its own name for the server. */
export const BARE_NGINX = `server {
    listen 443 ssl;
    ssl_certificate     ${CERTIFICATE}.crt;
    ssl_certificate_key ${CERTIFICATE}.key;
    location /regrow/ {
        proxy_pass http://${SERVER}/;
        proxy_http_version 1.1;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection "upgrade";
    }
}
`;

/**
 * Starts a proxy and waits until it answers for the server.
 *
 * @param recipe - default: the one of the README
 * @throws Error with what it has printed, when it ends or does not answer within 30 s
 */
export async function startProxy(
  name: ProxyName,
  around: Around,
  recipe = recipeOf(name),
): Promise<RunningProxy> {
  const { file, args, configure } = SETUPS[name];
  const folder = mkdtempSync(join(tmpdir(), `regrow-${name}-`));
  certify(folder);
  writeFileSync(join(folder, file), configure(recipe, around, folder));
  const home = join(folder, 'home');
  mkdirSync(home);
  const env = { ...process.env, HOME: home, XDG_DATA_HOME: home, XDG_CONFIG_HOME: home };
  const child = withFile(
    spawn(findProgram(name)!, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] }),
  );
  let output = '';
  const read = (chunk: Buffer): void => {
    // Of a proxy that never stops complaining, the beginning is enough.
    if (output.length < 100_000) output += chunk.toString();
  };
  child.stdout.on('data', read);
  child.stderr.on('data', read);
  let hasEnded = false;
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => {
      hasEnded = true;
      resolve();
    });
  });
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  const deadline = Date.now() + START_MS;
  for (;;) {
    const answer = await askProxy(around.port, `${around.path}healthz`).catch(() => null);
    if (answer?.status === 200) return { output: () => output, stop };
    if (hasEnded || Date.now() > deadline) {
      await stop();
      throw new Error(`${name} does not answer for the server (${answer?.status}); it printed:\n${output}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** One request to the site, over a connection of its own. @param body - sent as JSON; undefined: none */
export function askProxy(
  port: number,
  path: string,
  options: RequestOptions = {},
  body?: unknown,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        host: '127.0.0.1',
        port,
        path,
        servername: SITE,
        // Made by `certify` for this test alone.
        rejectUnauthorized: false,
        agent: false,
        ...options,
        headers: { Host: SITE, 'Content-Type': 'application/json', ...options.headers },
      },
      (answer) => {
        text(answer).then(
          (got) => resolve({ status: answer.statusCode!, headers: answer.headers, body: got }),
          reject,
        );
      },
    );
    asked.once('error', reject);
    asked.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** Any port that is free now. */
export async function freePort(): Promise<number> {
  const holder = createServer();
  await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
  const { port } = holder.address() as AddressInfo;
  await new Promise<void>((resolve) => holder.close(() => resolve()));
  return port;
}

/** Writes `tls.crt`, `tls.key`, and both as `tls.pem`: a certificate for a day that only this test knows. */
function certify(folder: string): void {
  const [key, certificate] = [join(folder, 'tls.key'), join(folder, 'tls.crt')];
  execFileSync(
    findProgram('openssl')!,
    ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1']
      .concat('-subj', `/CN=${SITE}`, '-addext', `subjectAltName=DNS:${SITE}`)
      .concat('-keyout', key, '-out', certificate),
    { stdio: 'pipe' },
  );
  writeFileSync(join(folder, 'tls.pem'), readFileSync(certificate, 'utf8') + readFileSync(key, 'utf8'));
}
