/** One data directory on which servers are started and killed, again and again, and what was found there. */
import {
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type Config, readConfig } from '../../../server/config.ts';
import { serializeRule } from '../../../server/rules/format.ts';
import { blobRule } from '../../world/blob.ts';
import { differences } from '../../world/facts.ts';
import { carryOut, FAILS, INSTANTS, type Kill } from './kills.ts';
import type { Event } from './lived.ts';
import { type Acknowledged, play } from './play.ts';
import { evidenceIn, isGap, type Recovered, recover } from './recover.ts';
import { frailRule } from './rules.ts';
import { TortureServer } from './server.ts';
import type { SmallDisk } from './smallDisk.ts';
import { lostOf } from './verdict.ts';

const SPECIES = 'blob';
/** Wilts when it is shaken. */
const FRAIL = 'frail';
/** Both grow a body; a body of either can live by the other. */
const [SHIPPED_SLOPE, OTHER_SLOPE] = [1.4, 1.35];
/** Of world time, in which nobody has seen a body. */
const WITHER_HOURS = 6 / 3_600;
const ARCHIVE_MS = 30;

/** What all lives together have found. */
export class Findings {
  kills = 0;
  acknowledged = 0;
  lost = 0;
  bitEqual = 0;
  /** Kills before a world's first save: nothing can be compared. */
  withoutSave = 0;
  tornTails = 0;
  /** Kills between the two saves that close a gap of the journal, where the older leads nowhere: compared with two threads. */
  overtaken = 0;
  /** Starts that were refused because the disk failed. */
  refusedStarts = 0;
  readonly readyMs: number[] = [];
  /** Kills before the server was ready. */
  inStart = 0;
  /** How often a kind was aimed at, and how often it was hit. */
  readonly byKind = new Map<Kill['kind'], { aimed: number; hit: number }>();
  readonly lived = new Map<Event, number>();
  readonly acknowledgedByKind = new Map<string, number>();
  readonly faults: string[] = [];
}

export interface LifeOptions {
  /** Empty; everything of this life goes there. */
  readonly folder: string;
  /** The folder lies on it; null: on a disk that cannot be filled. */
  readonly disk: SmallDisk | null;
  /** Empty, on another disk: copies are looked at here. */
  readonly scratch: string;
  /** Copies of what is at fault go there; null: they are not kept. */
  readonly kept: string | null;
  readonly name: string;
  /** 0..1 */
  readonly draw: () => number;
  readonly findings: Findings;
  /** Takes lines for people. */
  readonly tell: (line: string) => void;
  readonly signal: AbortSignal;
}

/** What a kill has left, recovered from two saves. */
type Left = 'equal' | 'unequal' | 'no save';

export class Life {
  readonly #options: LifeOptions;
  readonly #dataDir: string;
  /** Segments of the journal, which stay here when the server removes its own. */
  readonly #archive: string;
  readonly #flags: readonly string[];
  readonly #config: Config;
  readonly #rule = serializeRule(blobRule(SPECIES, OTHER_SLOPE));
  /** What the last kill has left; null: no world. */
  #before: Recovered | null = null;
  #count = 0;
  readonly #tokens: (string | null)[] = [null];

  constructor(options: LifeOptions) {
    this.#options = options;
    this.#dataDir = join(options.folder, 'data');
    this.#archive = join(options.folder, 'archive');
    const weights = join(options.folder, 'weights');
    for (const folder of [this.#dataDir, this.#archive, weights]) mkdirSync(folder);
    for (const rule of [blobRule(SPECIES, SHIPPED_SLOPE), frailRule(FRAIL)])
      writeFileSync(join(weights, `${rule.name}.safetensors`), serializeRule(rule));
    this.#flags = [
      ...['--data-dir', this.#dataDir, '--weights-dir', weights, '--tuner', 'off', '--garden', '12'],
      ...['--engine', 'wasm', '--threads', '1', '--size', '256x256', '--save-seconds', '2'],
      ...['--durability', 'flush', '--sleep-seconds', '0.5', '--wither-hours', `${WITHER_HOURS}`],
    ];
    this.#config = readConfig(this.#flags, {});
  }

  /** Starts a server, plays, kills it, and looks at what is left. */
  async kill(kill: Kill): Promise<void> {
    const { findings, disk, draw, signal } = this.#options;
    this.#count++;
    rmSync(this.#archive, { recursive: true });
    mkdirSync(this.#archive);
    const server = new TortureServer(this.#flags, 'preload' in kill ? kill.preload : null);
    const abort = (): void => server.kill();
    signal.addEventListener('abort', abort);
    const archiving = setInterval(() => this.#link(), ARCHIVE_MS);
    let acknowledged: Acknowledged[] = [];
    let isHit = false;
    try {
      await server.start();
      if (server.readyMs !== null) {
        findings.readyMs.push(server.readyMs);
        const world = { width: this.#config.width, height: this.#config.height };
        const around = {
          ...{ server, world, draw },
          ...{ species: [SPECIES, FRAIL], rule: this.#rule, tokens: this.#tokens },
        };
        [acknowledged, isHit] = await Promise.all([
          play(around),
          carryOut(kill, server, this.#dataDir, disk, signal),
        ]);
      } else isHit = kill.kind in INSTANTS || server.printed.includes(FAILS);
      await server.ended;
    } finally {
      clearInterval(archiving);
      signal.removeEventListener('abort', abort);
      server.kill();
      await server.ended;
      disk?.free();
    }
    signal.throwIfAborted();
    this.#link();
    const faults = this.#faultsOfRun(server, kill);
    const left = await this.#look(acknowledged, faults);
    this.#tally(kill, isHit, server, acknowledged, left);
    if (faults.length > 0) this.#report(kill, server, faults);
  }

  /** A last start, which is not killed: it must end well. */
  async end(): Promise<void> {
    const server = new TortureServer(this.#flags, null);
    const abort = (): void => server.kill();
    this.#options.signal.addEventListener('abort', abort);
    try {
      await server.start();
      const faults: string[] = [];
      const code = server.readyMs === null ? server.exitCode : await server.stop();
      this.#compareStart(server, faults);
      if (code !== 0) faults.push(`the last server ended with ${code}`);
      if (faults.length > 0) this.#report(null, server, faults);
    } finally {
      this.#options.signal.removeEventListener('abort', abort);
      server.kill();
      await server.ended;
    }
  }

  /** Keeps every segment that there is: a link, which grows with the file. */
  #link(): void {
    for (const name of readdirSync(this.#dataDir)) {
      if (!/^journal-\d+\.log$/.test(name)) continue;
      const [from, to] = [join(this.#dataDir, name), join(this.#archive, name)];
      try {
        // A start may remove a segment without a whole preamble and begin another of that number.
        if (existsSync(to) && statSync(to).ino !== statSync(from).ino) rmSync(to);
        if (!existsSync(to)) linkSync(from, to);
      } catch (error) {
        // It was removed meanwhile.
        if (!['ENOENT', 'ENOSPC'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
      }
    }
  }

  #faultsOfRun(server: TortureServer, kill: Kill): string[] {
    const faults: string[] = [];
    if (server.readyMs !== null) this.#compareStart(server, faults);
    if (server.exitCode === null) return faults;
    const mayRefuse = kill.kind === 'EIO' && server.readyMs === null;
    if (mayRefuse) this.#options.findings.refusedStarts++;
    else faults.push(`the server ended by itself with ${server.exitCode}`);
    return faults;
  }

  /** What the server says that it has restored. */
  #compareStart(server: TortureServer, faults: string[]): void {
    const [, step, organisms] =
      /world restored at step (\d+) with (\d+) organisms/.exec(server.printed) ?? [];
    if (step === undefined) {
      if (this.#before !== null && !server.printed.includes('engine:')) return;
      if (this.#before !== null) faults.push('the server has restored no world');
      return;
    }
    const expected = `${this.#before?.step} with ${this.#before?.organisms.size}`;
    if (`${step} with ${organisms}` !== expected)
      faults.push(`restored at step ${step} with ${organisms} organisms, expected ${expected}`);
  }

  /** Recovers the world twice, from its newest save and from the one before it, and looks for what is lost. */
  async #look(acknowledged: readonly Acknowledged[], faults: string[]): Promise<Left> {
    const { scratch, findings } = this.#options;
    const [newest, previous] = [join(scratch, 'newest'), join(scratch, 'previous')];
    try {
      cpSync(this.#dataDir, newest, { recursive: true });
      cpSync(this.#dataDir, previous, { recursive: true });
      const evidence = await evidenceIn(this.#archive, this.#before);
      if (evidence.isTorn) findings.tornTails++;
      for (const [event, count] of evidence.lived)
        findings.lived.set(event, (findings.lived.get(event) ?? 0) + count);
      const world = await recover(newest, this.#config);
      if (world === null) {
        if (acknowledged.length > 0 || this.#before !== null) {
          findings.lost += acknowledged.length;
          faults.push('there is no save');
        }
        return 'no save';
      }
      const lost = lostOf(acknowledged, world, evidence, this.#before?.step ?? 0);
      findings.lost += lost.length;
      faults.push(...lost.map((line) => `lost: ${line}`));
      const [now, before] = [join(previous, 'world.regrow'), join(previous, 'world.regrow.1')];
      const hasTwo = existsSync(now) && existsSync(before);
      if (hasTwo) renameSync(before, now);
      let again = hasTwo ? await this.#older(previous, world) : null;
      if (again === null) {
        // At least another number of threads must come to the same cells.
        rmSync(previous, { recursive: true });
        cpSync(this.#dataDir, previous, { recursive: true });
        again = await recover(previous, this.#config, 2);
      }
      const differ = differences(again?.facts, world.facts);
      this.#before = world;
      if (differ.length === 0) return 'equal';
      const steps = `from step ${again?.savedStep} and from ${world.savedStep}`;
      faults.push(`${steps}, not the same at ${world.step}: ${differ.join('; ')}`);
      return 'unequal';
    } catch (error) {
      findings.lost += acknowledged.length;
      faults.push(`it cannot be recovered: ${(error as Error).stack}`);
      return 'unequal';
    } finally {
      if (faults.length === 0) for (const folder of [newest, previous]) rmSync(folder, { recursive: true });
    }
  }

  /** @returns null when entries before the newer save were lost, as it says itself */
  async #older(folder: string, newer: Recovered): Promise<Recovered | null> {
    try {
      const older = await recover(folder, this.#config);
      const isShort = newer.isAfterGap && older !== null && older.step < newer.savedStep;
      if (!isShort) return older;
    } catch (error) {
      if (!newer.isAfterGap || !isGap(error)) throw error;
    }
    this.#options.findings.overtaken++;
    return null;
  }

  #tally(
    { kind }: Kill,
    isHit: boolean,
    server: TortureServer,
    acknowledged: readonly Acknowledged[],
    left: Left,
  ): void {
    const { findings } = this.#options;
    findings.acknowledged += acknowledged.length;
    for (const act of acknowledged) add(findings.acknowledgedByKind, act.kind);
    const { aimed, hit } = findings.byKind.get(kind) ?? { aimed: 0, hit: 0 };
    findings.byKind.set(kind, { aimed: aimed + 1, hit: hit + (isHit ? 1 : 0) });
    if (server.exitCode !== null) return;
    findings.kills++;
    if (left === 'equal') findings.bitEqual++;
    if (left === 'no save') findings.withoutSave++;
    if (server.readyMs === null) findings.inStart++;
  }

  #report(kill: Kill | null, server: TortureServer, faults: readonly string[]): void {
    const { findings, name, kept, scratch, tell } = this.#options;
    const place = `${name}-${this.#count}`;
    const aim = kill === null ? 'the last start' : JSON.stringify(kill);
    findings.faults.push(`${place}, ${aim}: ${faults.join(' | ')} | it printed: ${server.printed.trim()}`);
    tell(`${place}, ${aim}: ${faults.join(' | ')}`);
    for (const folder of ['newest', 'previous']) {
      const from = join(scratch, folder);
      if (!existsSync(from)) continue;
      if (kept !== null) cpSync(from, join(kept, place, folder), { recursive: true });
      rmSync(from, { recursive: true });
    }
    if (kept !== null) cpSync(this.#archive, join(kept, place, 'archive'), { recursive: true });
  }
}

const add = (counts: Map<string, number>, kind: string): void =>
  void counts.set(kind, (counts.get(kind) ?? 0) + 1);
