/** Metrics of the process and its machine: processor, memory, the event loop, descriptors, the disk. */
import { readdir, statfs } from 'node:fs/promises';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import { Gauge, Histogram, type Registry } from 'prom-client';
import { level, levels, type Sample, total, totals } from './define.ts';
import type { Version } from './version.ts';

/** Each sample wakes the thread, also of a world in which nothing happens. A delay is seen to within one of these. */
const LOOP_SAMPLE_MS = 100;
const LOOP_MS = 1_000;
const DISK_MS = 15_000;
const LOOP_BUCKETS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5];
/** Where Linux lists what a process has open. */
const DESCRIPTORS = '/proc/self/fd';

export interface ProcessSources {
  readonly version: Version;
  readonly dataDir: string;
  /** Memory that the machine or container lets the process use. */
  readonly memoryBytes: number;
  /** Infinity: there is no limit. */
  readonly maxDescriptors: number;
  /** The simulation thread's; null: not known yet. */
  readonly worldThread: () => { readonly heapBytes: number; readonly busySeconds: number } | null;
  /** Lines that the log has left out. */
  readonly logLinesDropped: () => number;
}

export class ProcessMetrics {
  readonly #loop = monitorEventLoopDelay({ resolution: LOOP_SAMPLE_MS });
  readonly #timers: readonly NodeJS.Timeout[];
  readonly #dataDir: string;
  /** The data directory's disk; null: not known. */
  #disk: { readonly freeBytes: number; readonly sizeBytes: number } | null = null;
  #isAskingDisk = false;

  constructor(registry: Registry, sources: ProcessSources) {
    const { version, memoryBytes, maxDescriptors, worldThread } = sources;
    this.#dataDir = sources.dataDir;
    const meaning = (name: string, help: string) => ({ name, help, registry });
    const started = Date.now() / 1_000 - process.uptime();
    levels(meaning('regrow_build_info', '1; the labels say what runs.'), Object.keys(version), () => [
      [{ ...version }, 1],
    ]);
    level(meaning('process_start_time_seconds', 'When the process started, since 1970.'), () => started);
    total(meaning('process_cpu_seconds_total', 'Processor time of all threads.'), () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1e6;
    });
    level(meaning('process_resident_memory_bytes', 'Memory in use, of all threads.'), () =>
      process.memoryUsage.rss(),
    );
    level(
      meaning('regrow_memory_limit_bytes', 'Memory that the machine or container has.'),
      () => memoryBytes,
    );
    const threads = (read: (of: { heapBytes: number; busySeconds: number }) => number) => (): Sample[] => {
      const main = {
        heapBytes: getHeapStatistics().used_heap_size,
        busySeconds: performance.eventLoopUtilization().active / 1_000,
      };
      const world = worldThread();
      const samples: Sample[] = [[{ thread: 'main' }, read(main)]];
      return world === null ? samples : [...samples, [{ thread: 'world' }, read(world)]];
    };
    levels(
      meaning('regrow_heap_bytes', 'JavaScript heap in use; cells lie outside it.'),
      ['thread'],
      threads(({ heapBytes }) => heapBytes),
    );
    totals(
      meaning('regrow_thread_busy_seconds_total', 'Time that an event loop did not wait.'),
      ['thread'],
      threads(({ busySeconds }) => busySeconds),
    );
    level(meaning('process_max_fds', 'Descriptors that the process may have.'), () =>
      Number.isFinite(maxDescriptors) ? maxDescriptors : null,
    );
    new Gauge({
      name: 'process_open_fds',
      help: 'Descriptors that the process has; on Linux.',
      registers: [registry],
      async collect() {
        const open = await readdir(DESCRIPTORS).catch(() => null);
        if (open === null) this.remove();
        else this.set(open.length);
      },
    });
    level(meaning('regrow_disk_free_bytes', 'Room on the disk of the data directory.'), () => {
      return this.#disk?.freeBytes ?? null;
    });
    level(meaning('regrow_disk_size_bytes', 'Size of the disk of the data directory.'), () => {
      return this.#disk?.sizeBytes ?? null;
    });
    total(
      meaning('regrow_log_lines_dropped_total', 'Lines that the log has left out.'),
      sources.logLinesDropped,
    );

    const delay = new Histogram({
      name: 'regrow_event_loop_delay_seconds',
      help: "The worst delay of the main thread's event loop in each second.",
      buckets: LOOP_BUCKETS,
      registers: [registry],
    });
    this.#loop.enable();
    this.#timers = [
      setInterval(() => {
        delay.observe(Math.max(0, this.#loop.max / 1e6 - LOOP_SAMPLE_MS) / 1_000);
        this.#loop.reset();
      }, LOOP_MS).unref(),
      setInterval(() => void this.#askDisk(), DISK_MS).unref(),
    ];
    void this.#askDisk();
  }

  /** Not with each scrape: a disk that hangs must not hold scrapes up. */
  async #askDisk(): Promise<void> {
    if (this.#isAskingDisk) return;
    this.#isAskingDisk = true;
    try {
      const { bavail, blocks, bsize } = await statfs(this.#dataDir);
      this.#disk = { freeBytes: bavail * bsize, sizeBytes: blocks * bsize };
    } catch {
      this.#disk = null;
    } finally {
      this.#isAskingDisk = false;
    }
  }

  dispose(): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.#loop.disable();
  }
}
