/**
 * Finds SwiftShader, the software Vulkan of Chromium, and makes Dawn load it. Vulkan's loader takes a driver's name
 * only from the environment of the process.
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
  join(import.meta.dirname, '../../../build/chromium'), // what the tests unpack (`tests/chromium.ts`)
];

/** The path of the driver's manifest; null when there is none. */
export function findSwiftShader(): string | null {
  const manifests = FOLDERS.map((folder) => join(folder, 'vk_swiftshader_icd.json'));
  return manifests.find((path) => existsSync(path)) ?? null;
}

/** On glibc and musl, keeps the library loaded when Node closes it because it is not an addon. */
const RTLD_NODELETE = 0x1000;

/**
 * Runs `open` while Vulkan's loader knows only SwiftShader. In a worker thread this needs the process's own environment
 * (`env: SHARE_ENV`).
 */
export async function withSwiftShader<T>(manifest: string, open: () => Promise<T>): Promise<T> {
  const loader = join(dirname(manifest), 'libvulkan.so.1');
  // A system without Vulkan has no loader, but Chromium brings one. Once it is in the process, Dawn finds it by name.
  if (existsSync(loader)) {
    try {
      process.dlopen({ exports: {} }, loader, constants.dlopen.RTLD_NOW | RTLD_NODELETE);
    } catch (error) {
      // Node always throws here, because the library is not an addon. If the library cannot be used, Dawn says so.
      if ((error as NodeJS.ErrnoException).code !== 'ERR_DLOPEN_FAILED') throw error;
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
