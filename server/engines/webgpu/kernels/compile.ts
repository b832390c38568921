/** Compiles the engine's kernels for a device. */
import { EDIT } from './edit.ts';
import { EXTRACT } from './extract.ts';
import { FIND, TURN } from './find.ts';
import type { KernelForm } from './prelude.ts';
import { settle } from './settle.ts';
import { STATUS } from './status.ts';
import { update } from './update.ts';

/** The WGSL of each kernel, by entry point. */
export const kernelTexts = (form: KernelForm) => ({
  find: FIND,
  turn: TURN,
  update: update(form),
  settle: settle(form),
  status: STATUS,
  edit: EDIT,
  extract: EXTRACT,
});
export type Kernel = keyof ReturnType<typeof kernelTexts>;
export type Pipelines = Readonly<Record<Kernel, GPUComputePipeline>>;

/** @throws Error with the compiler's message when it rejects a kernel */
export async function compile(device: GPUDevice, form: KernelForm): Promise<Pipelines> {
  const made = Object.entries(kernelTexts(form)).map(async ([name, code]) => {
    const module = device.createShaderModule({ label: name, code });
    const faults = (await module.getCompilationInfo()).messages.filter(({ type }) => type === 'error');
    if (faults.length > 0) {
      const [{ lineNum, message }] = faults;
      throw new Error(`kernel ${name}: ${message} (${code.split('\n')[lineNum - 1]?.trim()})`);
    }
    const compute = { module, entryPoint: name };
    return [name, await device.createComputePipelineAsync({ label: name, layout: 'auto', compute })] as const;
  });
  return Object.fromEntries(await Promise.all(made)) as Pipelines;
}
