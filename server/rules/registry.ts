/**
 * The registry: every rule that this world has had, with version, parent, origin and metrics, and every swap and its
 * outcome. Calls are synchronous and short. Other tables of the same file have classes of their own over `file`
 * (`banTable.ts`), in the folders that know what their rows mean.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { AuditLog } from './auditLog.ts';
import { checkName, parseRule } from './format.ts';
import type { RuleFile } from './load.ts';
import type {
  Actor,
  NewRule,
  NewSwap,
  RuleInForce,
  RuleRecord,
  RuleStatus,
  SwapRecord,
  SwapStatus,
} from './records.ts';
import { REGISTRY_FILE, RegistryError, RegistryFile } from './registryFile.ts';
import { type Rule, RuleError } from './rule.ts';

export type * from './records.ts';

/** "pikachu v4" */
export const labelOf = ({ name, version }: Pick<RuleRecord, 'name' | 'version'>): string =>
  `${name} v${version}`;

export const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** The actor of what the server does by itself when it starts. */
export const SERVER: Actor = { who: 'the server', address: '' };

/** Largest number of rules; at one per minute, a week's worth. */
const MAX_RULES = 10_000;
const MAX_LISTED = 1_000;

const RULE_COLUMNS =
  'id, name, version, parent, origin, status, sha256, metrics, created, length(file) AS bytes';

export class Registry {
  readonly file: RegistryFile;
  readonly audit: AuditLog;

  /**
   * @param folder - the data directory
   * @param busyMs - longest blocking wait while another program writes
   * @throws RegistryError
   */
  constructor(folder: string, busyMs: number) {
    this.file = new RegistryFile(folder, busyMs);
    this.audit = new AuditLog(this.file);
  }

  close(): void {
    this.file.close();
  }

  /** What the operator should know of how the file is kept. */
  get notes(): readonly string[] {
    if (!this.file.hasRollbackJournal) return [];
    return [
      `registry: ${this.file.path} has a rollback journal, as its file system had no shared memory maps: each change takes longer, and readers and writers wait for each other`,
    ];
  }

  /** Changes when another program has written. */
  get dataVersion(): number {
    return this.file.one<{ data_version: number }>('PRAGMA data_version')!.data_version;
  }

  // --- rules ---

  /**
   * Enters files that are not known yet, and puts each into force for the species of its name, unless an admin has
   * chosen another rule for it.
   */
  enterShipped(files: readonly RuleFile[]): void {
    const inForce = this.inForce();
    const missing = files.filter(({ rule, bytes }) => {
      const now = inForce.get(rule.name);
      return (
        this.bySha256(sha256Of(bytes)) === null ||
        now === undefined ||
        (now.isShipped && now.sha256 !== sha256Of(bytes))
      );
    });
    // A start writes only what it must, so that a read-only registry can be used.
    if (missing.length === 0) return;
    this.file.change(() => {
      for (const { rule, bytes } of missing) {
        const record =
          this.bySha256(sha256Of(bytes)) ?? this.#insertRule({ bytes, origin: 'shipped' }, SERVER);
        if (inForce.get(rule.name)?.isShipped === false) continue;
        const wanted = { species: rule.name, rule: record.id, scope: 'species' } as const;
        this.#insertSwap(wanted, 'in force', SERVER);
      }
    });
  }

  /**
   * Enters a rule as the next version of its name.
   *
   * @throws RuleError when it is not a rule, or is in the registry already; RegistryError
   */
  add(rule: NewRule, actor: Actor): RuleRecord {
    return this.file.change(() => this.#insertRule(rule, actor));
  }

  #insertRule({ bytes, origin, status = 'ready', parent, metrics }: NewRule, actor: Actor): RuleRecord {
    const rule = parseRule(bytes);
    const name = checkName(rule.name);
    const sha256 = sha256Of(bytes);
    const twin = this.bySha256(sha256);
    if (twin !== null) throw new RuleError(`the file is in the registry already: it is ${labelOf(twin)}`);
    if (parent !== undefined) this.byId(parent);
    const { count } = this.file.one<{ count: number }>('SELECT count(*) AS count FROM rules')!;
    if (count >= MAX_RULES)
      throw new RuleError(`the registry holds ${MAX_RULES} rules, which is the most it may hold`);
    const { last } = this.file.one<{ last: number }>(
      'SELECT coalesce(max(version), 0) AS last FROM rules WHERE name = ?',
      name,
    )!;
    const id = this.file.write(
      `INSERT INTO rules (name, version, parent, origin, status, sha256, metrics, created, file)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      name,
      last + 1,
      parent ?? null,
      origin,
      status,
      sha256,
      JSON.stringify(metrics ?? metricsOf(rule)),
      now(),
      bytes,
    );
    const record = this.byId(id);
    this.audit.note(
      actor,
      'add rule',
      labelOf(record),
      `${origin}, ${bytes.length} bytes, sha256 ${sha256.slice(0, 12)}…`,
    );
    return record;
  }

  /** Newest first within a name. */
  rules(): RuleRecord[] {
    return this.file.all(`SELECT ${RULE_COLUMNS} FROM rules ORDER BY name, version DESC`).map(readRecord);
  }

  /** @throws RuleError when there is no such rule */
  byId(id: number): RuleRecord {
    const row = this.file.one(`SELECT ${RULE_COLUMNS} FROM rules WHERE id = ?`, id);
    if (row === undefined) throw new RuleError(`no rule has the number ${id}`);
    return readRecord(row);
  }

  bySha256(sha256: string): RuleRecord | null {
    const row = this.file.one(`SELECT ${RULE_COLUMNS} FROM rules WHERE sha256 = ?`, sha256);
    return row === undefined ? null : readRecord(row);
  }

  /**
   * @param version - default: the newest
   * @throws RuleError when there is no such rule
   */
  find(name: string, version?: number): RuleRecord {
    const row = this.file.one(
      `SELECT ${RULE_COLUMNS} FROM rules WHERE name = ? AND (? IS NULL OR version = ?) ORDER BY version DESC`,
      name,
      version ?? null,
      version ?? null,
    );
    if (row !== undefined) return readRecord(row);
    throw new RuleError(`there is no rule ${name}${version === undefined ? '' : ` v${version}`}`);
  }

  /** @throws RegistryError when the bytes are not those that were entered */
  read(id: number): RuleFile & { readonly sha256: string } {
    const { sha256 } = this.byId(id);
    const { file } = this.file.one<{ file: Uint8Array }>('SELECT file FROM rules WHERE id = ?', id)!;
    if (sha256Of(file) !== sha256)
      throw new RegistryError(`${this.file.path} is corrupt: rule ${id} is not what was entered`, 'corrupt');
    return { rule: parseRule(file), bytes: file, sha256 };
  }

  /** Enters the verdict on a candidate. */
  judge(id: number, status: RuleStatus, metrics: Readonly<Record<string, unknown>>, actor: Actor): void {
    this.file.change(() => {
      const record = this.byId(id);
      this.file.write(
        'UPDATE rules SET status = ?, metrics = ? WHERE id = ?',
        status,
        JSON.stringify(metrics),
        id,
      );
      this.audit.note(actor, 'judge rule', labelOf(record), status);
    });
  }

  // --- swaps ---

  /** Species → the rule of its newest swap that holds. */
  inForce(): Map<string, RuleInForce> {
    const rows = this.file.all<{
      species: string;
      rule: number;
      swap: number;
      who: string;
      address: string;
    }>(
      `SELECT species, rule, max(id) AS swap, who, address FROM swaps
       WHERE scope <> 'organism' AND status IN ('watched', 'in force')
       AND species NOT IN (SELECT species FROM drawings WHERE state IN ('withered', 'removed'))
       GROUP BY species`,
    );
    return new Map(
      rows.map(({ species, rule, swap, who, address }) => {
        const isShipped = who === SERVER.who && address === SERVER.address;
        return [species, { ...this.byId(rule), swap, isShipped }];
      }),
    );
  }

  /**
   * The rule that was in force before the present one. A rule from which one has gone back is none: who goes back twice
   * comes to the rule before both.
   *
   * @throws RuleError when there was none
   */
  beforeInForce(species: string): RuleRecord {
    const now = this.inForce().get(species);
    if (now === undefined) throw new RuleError(`there is no species ${species}`);
    const rows = this.file.all<{ rule: number }>(
      `SELECT rule FROM swaps WHERE species = ? AND scope <> 'organism'
       AND status IN ('watched', 'in force') ORDER BY id`,
      species,
    );
    const line: number[] = [];
    for (const { rule } of rows) {
      const at = line.indexOf(rule);
      if (at < 0) line.push(rule);
      else line.length = at + 1;
    }
    const before = line.at(-2);
    if (before === undefined) throw new RuleError(`${species} has had no rule before ${labelOf(now)}`);
    return this.byId(before);
  }

  /** @throws RuleError when there is no such rule */
  wantSwap(wanted: NewSwap, actor: Actor): SwapRecord {
    return this.file.change(() => this.#insertSwap(wanted, 'wanted', actor));
  }

  #insertSwap({ species, rule, scope, organism }: NewSwap, status: SwapStatus, actor: Actor): SwapRecord {
    const record = this.byId(rule);
    checkName(species);
    const id = this.file.write(
      `INSERT INTO swaps (species, rule, scope, organism, status, reason, who, address, created)
       VALUES (?, ?, ?, ?, ?, '', ?, ?, ?)`,
      species,
      rule,
      scope,
      organism ?? null,
      status,
      actor.who,
      actor.address,
      now(),
    );
    const whom = scope === 'organism' ? `organism ${organism}` : scope === 'planted' ? 'new ones' : 'all';
    this.audit.note(actor, 'swap', species, `to ${labelOf(record)}, ${whom}`);
    return this.swap(id);
  }

  /** @throws RuleError when there is no such swap */
  swap(id: number): SwapRecord {
    const row = this.file.one<SwapRecord>('SELECT * FROM swaps WHERE id = ?', id);
    if (row === undefined) throw new RuleError(`no swap has the number ${id}`);
    return { ...row };
  }

  /** In the order in which they were wanted. */
  wanted(): SwapRecord[] {
    return this.file
      .all<SwapRecord>("SELECT * FROM swaps WHERE status = 'wanted' ORDER BY id")
      .map((row) => ({
        ...row,
      }));
  }

  /** Newest first. */
  swaps(species?: string, most = MAX_LISTED): SwapRecord[] {
    return this.file
      .all<SwapRecord>(
        'SELECT * FROM swaps WHERE (? IS NULL OR species = ?) ORDER BY id DESC LIMIT ?',
        species ?? null,
        species ?? null,
        most,
      )
      .map((row) => ({ ...row }));
  }

  /** Enters a swap's outcome. Rolling one back brings the swap before it into force again. */
  settle(id: number, status: SwapStatus, reason: string, actor: Actor): void {
    this.file.change(() => {
      const { species, rule } = this.swap(id);
      this.file.write('UPDATE swaps SET status = ?, reason = ? WHERE id = ?', status, reason, id);
      if (status === 'wanted' || status === 'watched') return;
      this.audit.note(
        actor,
        `swap ${status}`,
        species,
        `${labelOf(this.byId(rule))}${reason && `: ${reason}`}`,
      );
    });
  }
}

/** At the start no frame is due, so another program that writes is waited for. */
const CHECK_BUSY_MS = 5_000;

/**
 * Whether a server may start with the registry: bans, and the rules by which bodies live, must not be forgotten in
 * silence. A missing file is made.
 *
 * @param folder - the data directory
 * @returns notes for the operator
 * @throws RegistryError with what to do
 */
export function checkRegistry(folder: string): readonly string[] {
  let registry: Registry | undefined;
  try {
    registry = new Registry(folder, CHECK_BUSY_MS);
    for (const { id } of registry.inForce().values()) registry.read(id);
    return registry.notes;
  } catch (error) {
    // A `RuleError` here means that a rule in force has no row.
    const isCorrupt =
      error instanceof RuleError || (error instanceof RegistryError && error.fault === 'corrupt');
    if (!isCorrupt) throw error;
    const path = join(folder, REGISTRY_FILE);
    const fact = error instanceof RuleError ? `${path} is corrupt: ${error.message}` : error.message;
    throw new RegistryError(
      `${fact}. It is left as it is. \`npm run world -- recover ${folder}\` saves what can be read; or put a copy in its place; without it, the server starts with the shipped rules and no bans`,
      'corrupt',
      { cause: error },
    );
  } finally {
    registry?.close();
  }
}

const now = (): string => new Date().toISOString();

/** The metrics that the file's metadata holds; empty if they are not a JSON object. */
function metricsOf(rule: Rule): Record<string, unknown> {
  try {
    const metrics: unknown = JSON.parse(rule.metadata.metrics ?? '{}');
    return typeof metrics === 'object' && metrics !== null && !Array.isArray(metrics) ? { ...metrics } : {};
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return {};
  }
}

function readRecord(row: Record<string, unknown>): RuleRecord {
  const { metrics, ...rest } = row as unknown as Omit<RuleRecord, 'metrics'> & { readonly metrics: string };
  return { ...rest, metrics: JSON.parse(metrics) };
}
