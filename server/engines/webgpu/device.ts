/**
 * Finds an adapter through Dawn (the optional package `webgpu`) and opens a device on it. The engines of a process
 * share a device and its compiled kernels, because compiling takes long.
 */
import { existsSync } from 'node:fs';
import { EngineError } from '../engine.ts';
import { compile, type Pipelines } from './kernels/compile.ts';
import type { KernelForm } from './kernels/prelude.ts';
import { findSwiftShader, withSwiftShader } from './swiftshader.ts';

/** There is no such adapter, or no WebGPU at all. The message says what is missing. */
export class AdapterError extends EngineError {
  override name = 'AdapterError';
}

/** GPUBufferUsage and GPUMapMode of the specification; they are globals in a browser, but not in Node. */
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
  /** Printed at start: "NVIDIA GeForce RTX 4090, driver 570.1". */
  readonly adapter: string;
  /** The adapter runs on the CPU: `auto` never chooses it. */
  readonly isSoftware: boolean;
  readonly pipelines: Pipelines;
  readonly form: KernelForm;
  /** Dawn's instance, held because the device dies when it is garbage-collected. */
  readonly instance: GPU;
}

/**
 * `auto` uses subgroups where the adapter has them; `plain` uses no optional feature; `f16` is `auto` with weights
 * rounded to float16.
 */
export const KERNEL_CHOICES = ['auto', 'plain', 'f16'] as const;
export type KernelChoice = (typeof KERNEL_CHOICES)[number];

interface Shared {
  readonly opened: Promise<OpenDevice>;
  users: number;
}

/** Open devices, by choice of kernels and adapter. */
const shared = new Map<string, Shared>();

/**
 * @param choice - `auto`: the fastest adapter that is not software; `swiftshader`; else part of an adapter's name
 * @throws AdapterError when there is no such adapter
 */
export async function acquireDevice(choice = 'auto', kernels: KernelChoice = 'auto'): Promise<OpenDevice> {
  const key = `${kernels} ${choice}`;
  let entry = shared.get(key);
  if (entry === undefined) {
    const made: Shared = { opened: openDevice(choice, kernels), users: 0 };
    const forget = () => {
      if (shared.get(key) === made) shared.delete(key);
    };
    // After a loss, the next caller gets a new device.
    made.opened.then(({ device }) => device.lost.then(forget), forget);
    shared.set(key, made);
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
  for (const [key, entry] of shared) {
    void entry.opened.then((opened) => {
      if (opened.device !== device || --entry.users > 0) return;
      shared.delete(key);
      device.destroy();
    });
  }
}

interface Dawn {
  create(options: readonly string[]): GPU;
}

/** Not a literal type: the package is optional, and its types would clash with TypeScript's own for WebGPU. */
const PACKAGE: string = 'webgpu';

/** Every Linux with a GPU has one of these. Without one, Dawn is not loaded, and prints no warnings. */
const GPU_FILES = ['/dev/dri', '/dev/nvidia0', '/dev/dxg'];

/**
 * Kernels clear the workgroup memory that they need. Dawn would clear all of it for every workgroup, which takes fifty
 * times as long as the rest on SwiftShader. Timestamps are exact instead of rounded to 0.1 ms.
 */
const DAWN_OPTIONS: readonly string[] = [
  'enable-dawn-features=disable_workgroup_init',
  'disable-dawn-features=timestamp_quantization',
];

/** For benchmarks. */
const TIMESTAMPS: readonly GPUFeatureName[] = ['timestamp-query'];

const SOFTWARE = /swiftshader|llvmpipe|lavapipe|basic render/i;

const WANTED_LIMITS = [
  'maxStorageBufferBindingSize',
  'maxBufferSize',
  'maxStorageBuffersPerShaderStage',
] as const;

async function openDevice(choice: string, kernels: KernelChoice): Promise<OpenDevice> {
  if (choice === 'auto' && process.platform === 'linux' && !GPU_FILES.some((path) => existsSync(path))) {
    throw new AdapterError(`no GPU: none of ${GPU_FILES.join(', ')} exists`);
  }
  const dawn = await loadDawn();
  if (choice !== 'swiftshader') return open(dawn, choice, kernels);
  const manifest = findSwiftShader();
  if (manifest === null) {
    throw new AdapterError(
      'no SwiftShader: vk_swiftshader_icd.json was not found (Debian: apt-get install chromium)',
    );
  }
  return withSwiftShader(manifest, () => open(dawn, choice, kernels));
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

async function open(dawn: Dawn, choice: string, kernels: KernelChoice): Promise<OpenDevice> {
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
  const wanted: readonly GPUFeatureName[] = kernels === 'plain' ? TIMESTAMPS : [...TIMESTAMPS, 'subgroups'];
  const device = await adapter.requestDevice({
    requiredFeatures: wanted.filter((feature) => features.has(feature)),
    requiredLimits: Object.fromEntries(WANTED_LIMITS.map((limit) => [limit, limits[limit]])),
  });
  const form = { subgroups: device.features.has('subgroups'), halfWeights: kernels === 'f16' };
  return { device, adapter: name, isSoftware, form, pipelines: await compile(device, form), instance };
}
