/**
 * Finds an adapter through Dawn (the optional package `webgpu`) and opens a device on it. Engines of one
 * process share a device and its compiled kernels: compiling takes longer than most worlds' steps.
 */
import { existsSync } from 'node:fs';
import { EngineError } from '../engine.ts';
import { compile, type Pipelines } from './kernels/compile.ts';
import { findSwiftShader, withSwiftShader } from './swiftshader.ts';

/** No adapter of that kind, or no WebGPU at all. The message says what is missing. */
export class AdapterError extends EngineError {
  override name = 'AdapterError';
}

/** GPUBufferUsage and GPUMapMode of the specification; globals in a browser, not in Node. */
export const USAGE = {
  MAP_READ: 0x1,
  COPY_SRC: 0x4,
  COPY_DST: 0x8,
  UNIFORM: 0x40,
  STORAGE: 0x80,
  INDIRECT: 0x100,
  QUERY_RESOLVE: 0x200,
} as const;
export const MAP_READ_MODE = 0x1;

export interface OpenDevice {
  readonly device: GPUDevice;
  /** For people: "NVIDIA GeForce RTX 4090, driver 570.1". */
  readonly adapter: string;
  /** A CPU that pretends: never chosen by itself. */
  readonly isSoftware: boolean;
  readonly pipelines: Pipelines;
  /** Dawn's instance: the device is dead once it is collected. */
  readonly instance: GPU;
}

interface Shared {
  readonly opened: Promise<OpenDevice>;
  users: number;
}

/** By choice of adapter. */
const shared = new Map<string, Shared>();

/**
 * @param choice - `auto`: the fastest that is no software; `swiftshader`; else part of an adapter's name
 * @throws AdapterError when there is none
 */
export async function acquireDevice(choice = 'auto'): Promise<OpenDevice> {
  let entry = shared.get(choice);
  if (entry === undefined) {
    const made: Shared = { opened: openDevice(choice), users: 0 };
    const forget = () => {
      if (shared.get(choice) === made) shared.delete(choice);
    };
    // Whoever comes after a loss gets a new device.
    made.opened.then(({ device }) => device.lost.then(forget), forget);
    shared.set(choice, made);
    entry = made;
  }
  entry.users++;
  try {
    return await entry.opened;
  } catch (error) {
    entry.users--;
    throw error;
  }
}

/** The last user's release closes the device. */
export function releaseDevice({ device }: OpenDevice): void {
  for (const [choice, entry] of shared) {
    void entry.opened.then((opened) => {
      if (opened.device !== device || --entry.users > 0) return;
      shared.delete(choice);
      device.destroy();
    });
  }
}

interface Dawn {
  create(options: readonly string[]): GPU;
}

/** The package is optional; its types would stand in the way of the browser's, which TypeScript knows. */
const PACKAGE: string = 'webgpu';

/** One of them exists on every Linux that has a GPU; looking spares the others the loading of Dawn, and its warnings. */
const GPU_FILES = ['/dev/dri', '/dev/nvidia0', '/dev/dxg'];

/**
 * Kernels clear what they need of their workgroup memory. Dawn would clear all of it for every workgroup, which
 * on SwiftShader takes fifty times as long as the rest. And timestamps come as they are, not in steps of 0.1 ms.
 */
const DAWN_OPTIONS: readonly string[] = [
  'enable-dawn-features=disable_workgroup_init',
  'disable-dawn-features=timestamp_quantization',
];

const SOFTWARE = /swiftshader|llvmpipe|lavapipe|basic render/i;

const WANTED_LIMITS = [
  'maxStorageBufferBindingSize',
  'maxBufferSize',
  'maxStorageBuffersPerShaderStage',
] as const;

async function openDevice(choice: string): Promise<OpenDevice> {
  if (choice === 'auto' && process.platform === 'linux' && !GPU_FILES.some((path) => existsSync(path))) {
    throw new AdapterError(`no GPU: neither of ${GPU_FILES.join(', ')} is there`);
  }
  const dawn = await loadDawn();
  if (choice !== 'swiftshader') return open(dawn, choice);
  const manifest = findSwiftShader();
  if (manifest === null) {
    throw new AdapterError(
      'no SwiftShader: vk_swiftshader_icd.json is not there (Debian: apt-get install chromium)',
    );
  }
  return withSwiftShader(manifest, () => open(dawn, choice));
}

async function loadDawn(): Promise<Dawn> {
  try {
    return (await import(PACKAGE)) as Dawn;
  } catch (error) {
    throw new AdapterError(
      `the package webgpu cannot be loaded (npm install webgpu): ${(error as Error).message}`,
    );
  }
}

async function open(dawn: Dawn, choice: string): Promise<OpenDevice> {
  const isNamed = choice !== 'auto' && choice !== 'swiftshader';
  const instance = dawn.create(isNamed ? [...DAWN_OPTIONS, `adapter=${choice}`] : DAWN_OPTIONS);
  const adapter = await instance
    .requestAdapter({ powerPreference: 'high-performance' })
    .catch((error: Error) => {
      throw new AdapterError(`no adapter "${choice}": ${error.message}`);
    });
  if (adapter === null) {
    throw new AdapterError(choice === 'auto' ? 'no GPU that Dawn can use' : `no adapter "${choice}"`);
  }
  const { info, features, limits } = adapter;
  const name = [info.vendor, info.device || info.architecture, info.description].filter(Boolean).join(', ');
  const isSoftware = info.isFallbackAdapter || SOFTWARE.test(`${name} ${info.architecture}`);
  if (isSoftware && choice === 'auto') throw new AdapterError(`no GPU, only software (${name})`);
  const device = await adapter.requestDevice({
    requiredFeatures: features.has('timestamp-query') ? ['timestamp-query'] : [],
    requiredLimits: Object.fromEntries(WANTED_LIMITS.map((limit) => [limit, limits[limit]])),
  });
  return { device, adapter: name, isSoftware, pipelines: await compile(device), instance };
}
