/**
 * After `npm ci`: deletes what this machine never loads of packages that hold the files of all platforms. webgpu brings
 * Dawn five times (132 MB), Node its C headers (67 MB). A reinstall brings them back.
 */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const modules = join(import.meta.dirname, '..', 'node_modules');

// As webgpu names its folders. Without this machine's own, nothing is deleted: the layout is not the known one.
const dist = join(modules, 'webgpu/dist');
const own = `${process.platform}-${process.platform === 'darwin' ? 'universal' : process.arch}`;
if (existsSync(join(dist, own)))
  for (const platform of readdirSync(dist))
    if (platform !== own) rmSync(join(dist, platform), { recursive: true });

for (const name of existsSync(modules) ? readdirSync(modules) : [])
  if (/^node-(bin-)?(darwin|linux|win)-/.test(name))
    rmSync(join(modules, name, 'include'), { recursive: true, force: true });
