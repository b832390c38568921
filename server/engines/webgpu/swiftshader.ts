/**
 * Where SwiftShader, the software Vulkan that comes with Chromium, can be found, and how Dawn is made to load
 * it. Vulkan's loader takes a driver's name from the environment of the process and from nowhere else.
 */
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { env } from 'node:process';

const FOLDERS = [
  '/usr/lib/chromium', // Debian
  '/usr/lib/chromium-browser',
  '/usr/lib64/chromium-browser',
  '/opt/google/chrome',
  '/usr/lib/electron',
];

/** The driver's manifest; null where there is none. */
export function findSwiftShader(): string | null {
  const manifests = FOLDERS.map((folder) => join(folder, 'vk_swiftshader_icd.json'));
  return manifests.find((path) => existsSync(path)) ?? null;
}

/** glibc and musl; keeps the library when Node, which finds no addon in it, lets go of it. */
const RTLD_NODELETE = 0x1000;

/**
 * Runs `open` while Vulkan's loader knows SwiftShader only. In a worker thread this needs the process's own
 * environment (`env: SHARE_ENV`).
 */
export async function withSwiftShader<T>(manifest: string, open: () => Promise<T>): Promise<T> {
  const loader = join(dirname(manifest), 'libvulkan.so.1');
  // A system without Vulkan has no loader either: Chromium brings its own. Once it is in the process, Dawn finds
  // it by name.
  if (existsSync(loader)) {
    try {
      process.dlopen({ exports: {} }, loader, constants.dlopen.RTLD_NOW | RTLD_NODELETE);
    } catch {
      // Always: it is a library and no addon. Whether it can be used, Dawn says.
    }
  }
  const before = env.VK_ICD_FILENAMES;
  env.VK_ICD_FILENAMES = manifest;
  try {
    return await open();
  } finally {
    if (before === undefined) delete env.VK_ICD_FILENAMES;
    else env.VK_ICD_FILENAMES = before;
  }
}
