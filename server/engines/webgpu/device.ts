/**
 * Finds an adapter through Dawn (the optional package `webgpu`) and opens a device on it. Engines of one
 * process share a device and its compiled kernels: compiling takes longer than most worlds' steps.
 */
import { existsSync } from 'node:fs';
import { EngineError } from '../engine.ts';
import { compile, type Pipelines } from './kernels/compile.ts';
import type { KernelForm } from './kernels/prelude.ts';
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
  readonly form: KernelForm;
  /** Dawn's instance: the device is dead once it is collected. */
  readonly instance: GPU;
}

/**
 * Which kernels: `auto` uses subgroups where the adapter has them; `plain` nothing that is optional; `f16` is
 * `auto` with weights rounded to float16.
 */
export const KERNEL_CHOICES = ['auto', 'plain', 'f16'] as const;
export type KernelChoice = (typeof KERNEL_CHOICES)[number];

interface Shared {
  readonly opened: Promise<OpenDevice>;
  users: number;
}

/** By choice of adapter and kernels. */
const shared = new Map<string, Shared>();

/**
 * @param choice - `auto`: the fastest that is no software; `swiftshader`; else part of an adapter's name
 * @throws AdapterError when there is none
 */
export async function acquireDevice(choice = 'auto', kernels: KernelChoice = 'auto'): Promise<OpenDevice> {
  const key = `${kernels} ${choice}`;
  let entry = shared.get(key);
  if (entry === undefined) {
    const made: Shared = { opened: openDevice(choice, kernels), users: 0 };
    const forget = () => {
      if (shared.get(key) === made) shared.delete(key);
    };
    // Whoever comes after a loss gets a new device.
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
    throw new AdapterError(`no GPU: neither of ${GPU_FILES.join(', ')} is there`);
  }
  const dawn = await loadDawn();
  if (choice !== 'swiftshader') return open(dawn, choice, kernels);
  const manifest = findSwiftShader();
  if (manifest === null) {
    throw new AdapterError(
      'no SwiftShader: vk_swiftshader_icd.json is not there (Debian: apt-get install chromium)',
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
