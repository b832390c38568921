/**
 * `npm run dev`: Vite serves the page unbundled and reloads it at each edit of the client; the server runs beside it
 * under `node --watch`, which restarts it at each edit of a file that it has loaded. The page speaks to Vite only: Vite
 * passes the API, matchmaking and sockets on. Flags are the server's. Ctrl-C ends both.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createServer, type Plugin } from 'vite';
import { ConfigError, helpText, readConfig, wantsHelp } from './config.ts';

const root = join(import.meta.dirname, '..');
/** What the server answers itself; everything else is a file of the page. */
const SERVER_PATHS = ['^/(api|matchmake|admin/api)/', '^/(healthz|livez|readyz|version|metrics)$'];
/** Colyseus' sockets: `/process/room?sessionId=…`. Vite's own has no such query. */
const SOCKET_PATH = '^/[\\w-]+/[\\w-]+\\?(.*&)?sessionId=';

/** The server answers at `/admin`; unbundled, the page's relative addresses lead nowhere from there. */
const adminPage: Plugin = {
  name: 'regrow-admin-page',
  configureServer({ middlewares }) {
    middlewares.use((request, response, next) => {
      if (request.url === '/admin') response.writeHead(302, { Location: '/admin/' }).end();
      else next();
    });
  },
};

const argv = process.argv.slice(2);
if (wantsHelp(argv)) {
  console.log(helpText());
  process.exit(0);
}

/** @throws ConfigError naming every bad field */
function serverUrl(): string {
  const { host, port, worlds } = readConfig(argv, process.env);
  if (worlds.length > 0) throw new ConfigError(['--worlds: npm run dev has one world']);
  // Vite has to know the port before the server starts, and after each restart.
  if (port === 0) throw new ConfigError(['--port: a fixed port is needed here, not 0']);
  if (host === '0.0.0.0' || host === '::') return `http://localhost:${port}`;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

try {
  const target = serverUrl();
  // The origin that the page sends stays that of the host it names, as the server demands.
  const passOn = { target, changeOrigin: false };
  const vite = await createServer({
    configFile: join(root, 'vite.config.ts'),
    plugins: [adminPage],
    server: {
      proxy: {
        ...Object.fromEntries(SERVER_PATHS.map((path) => [path, passOn])),
        [SOCKET_PATH]: { ...passOn, ws: true },
      },
    },
  });
  await vite.listen();

  // A process group of its own: Ctrl-C reaches this process alone, which passes one signal on.
  const server = spawn(
    process.execPath,
    ['--watch', '--watch-preserve-output', join(root, 'server/main.ts'), ...argv],
    { stdio: 'inherit', detached: process.platform !== 'win32' },
  );
  let isStopping = false;
  const stop = (): void => {
    if (isStopping) return;
    isStopping = true;
    // The watcher passes it on, waits for the server, and ends.
    server.kill('SIGTERM');
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
  server.once('exit', (code) => {
    void vite.close().finally(() => process.exit(code ?? 1));
  });

  vite.printUrls();
} catch (error) {
  console.error(error instanceof ConfigError ? error.message : error);
  process.exit(1);
}
