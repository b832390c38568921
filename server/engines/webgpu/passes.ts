/** Encodes steps, reports, edits and reads with the compute pipelines. */
import type { Kernel, Pipelines } from './kernels/compile.ts';
import * as at from './layout.ts';
import type { GpuMemory } from './memory.ts';
import type { GpuRules } from './rules.ts';

interface BankGroups {
  readonly update: GPUBindGroup;
  readonly settle: GPUBindGroup;
}

export class Passes {
  readonly #pipelines: Pipelines;
  readonly #memory: GpuMemory;
  readonly #rules: GpuRules;
  #version = -1;
  #find!: GPUBindGroup;
  #turn!: GPUBindGroup;
  #status!: GPUBindGroup;
  #banks: BankGroups[] = [];

  constructor(pipelines: Pipelines, memory: GpuMemory, rules: GpuRules) {
    this.#pipelines = pipelines;
    this.#memory = memory;
    this.#rules = rules;
  }

  /** One step over `pages` pages: find the active tiles, turn to the next step, update, settle. */
  step(pass: GPUComputePassEncoder, pages: number): void {
    this.#refresh();
    this.find(pass, pages);
    this.turn(pass);
    this.update(pass);
    this.settle(pass);
  }

  find(pass: GPUComputePassEncoder, pages: number): void {
    pass.setPipeline(this.#pipelines.find);
    pass.setBindGroup(0, this.#find);
    pass.dispatchWorkgroups(Math.ceil((pages * at.TILES) / 256));
  }

  turn(pass: GPUComputePassEncoder): void {
    pass.setPipeline(this.#pipelines.turn);
    pass.setBindGroup(0, this.#turn);
    pass.dispatchWorkgroups(1);
  }

  update(pass: GPUComputePassEncoder): void {
    pass.setPipeline(this.#pipelines.update);
    this.#overBanks(pass, 'update');
  }

  settle(pass: GPUComputePassEncoder): void {
    pass.setPipeline(this.#pipelines.settle);
    this.#overBanks(pass, 'settle');
  }

  status(pass: GPUComputePassEncoder, pages: number): void {
    this.#refresh();
    pass.setPipeline(this.#pipelines.status);
    pass.setBindGroup(0, this.#status);
    pass.dispatchWorkgroups(Math.ceil(pages / 64));
  }

  /**
   * @param visits - how many pages are edited
   * @param buffers - visits, records, noises (`EditBatch`)
   */
  edit(pass: GPUComputePassEncoder, visits: number, buffers: readonly GPUBuffer[]): void {
    pass.setPipeline(this.#pipelines.edit);
    const { banks } = this.#memory;
    for (const { place, cells } of banks) {
      pass.setBindGroup(
        0,
        this.#group('edit', [place, cells, ...this.#shared('shore', 'words', 'tiles', 'tally'), ...buffers]),
      );
      pass.dispatchWorkgroups(visits);
    }
  }

  extract(
    pass: GPUComputePassEncoder,
    cellCount: number,
    question: GPUBuffer,
    slots: GPUBuffer,
    answer: GPUBuffer,
  ): void {
    pass.setPipeline(this.#pipelines.extract);
    for (const { place, cells } of this.#memory.banks) {
      const buffers = [place, question, cells, ...this.#shared('words'), slots, answer];
      pass.setBindGroup(0, this.#group('extract', buffers));
      pass.dispatchWorkgroups(Math.ceil(cellCount / 256));
    }
  }

  #overBanks(pass: GPUComputePassEncoder, kernel: 'update' | 'settle'): void {
    const dispatches = this.#memory.buffer('dispatches');
    for (let bank = 0; bank < this.#banks.length; bank++) {
      pass.setBindGroup(0, this.#banks[bank][kernel]);
      pass.dispatchWorkgroupsIndirect(dispatches, bank * at.ARGS_WORDS * 4);
    }
  }

  /** Makes the bind groups again if a buffer was replaced since the last time. */
  #refresh(): void {
    const memory = this.#memory;
    if (memory.version === this.#version) return;
    this.#version = memory.version;
    this.#find = this.#group('find', [
      ...this.#shared('pages', 'heads', 'tiles', 'work'),
      memory.banks[0].place,
    ]);
    this.#turn = this.#group('turn', this.#shared('work', 'dispatches'));
    this.#status = this.#group('status', this.#shared('pages', 'tiles', 'tally', 'report', 'work'));
    this.#banks = memory.banks.map(({ place, cells, next }) => ({
      update: this.#group('update', [
        place,
        cells,
        next,
        ...this.#shared('shore', 'words', 'heads'),
        this.#rules.weights,
        memory.tables,
        memory.buffer('work'),
      ]),
      settle: this.#group('settle', [
        place,
        cells,
        next,
        ...this.#shared('shore', 'words', 'heads', 'tiles', 'tally', 'work'),
      ]),
    }));
  }

  #shared(...names: readonly Parameters<GpuMemory['buffer']>[0][]): GPUBuffer[] {
    return names.map((name) => this.#memory.buffer(name));
  }

  #group(kernel: Kernel, buffers: readonly GPUBuffer[]): GPUBindGroup {
    return this.#memory.device.createBindGroup({
      label: kernel,
      layout: this.#pipelines[kernel].getBindGroupLayout(0),
      entries: buffers.map((buffer, binding) => ({ binding, resource: { buffer } })),
    });
  }
}
