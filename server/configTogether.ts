/** Which settings do not fit together, each being right by itself. */
import { TAKEN_NAMES } from './storage/beside.ts';

/** What a world is called when nobody has said. */
export const DEFAULT_WORLD = 'world';

/** The settings that depend on each other, as `Config` has them. */
interface Together {
  readonly role: string;
  readonly nats: string;
  readonly meet: string;
  readonly worlds: readonly string[];
  readonly world: string;
  /** Empty: none was given. */
  readonly title: string;
  readonly relayOf: readonly string[];
  readonly tunerAt: string;
  readonly nurseryAt: string;
  readonly store: string;
  readonly blobs: string;
  readonly spare: boolean;
  readonly s3Key: string;
  readonly s3Secret: string;
}

/** @returns one line for each */
export const faultsTogether = (settings: Together): string[] => [
  ...roleFaults(settings),
  ...worldsFaults(settings),
  ...storeFaults(settings),
];

function roleFaults({ role, nats, meet, relayOf, store, tunerAt, nurseryAt }: Together): string[] {
  const faults: string[] = [];
  const isApart = role === 'world' || role === 'relay';
  if (isApart && nats === '' && meet === '') faults.push(`--role ${role} needs --nats or --meet`);
  if (nats !== '' && meet !== '') faults.push('--nats and --meet are two ways: one is enough');
  if (!isApart && meet !== '') faults.push('--meet is for --role world and --role relay');
  if (role === 'relay' && relayOf.length === 0) faults.push('--role relay needs --relay-of');
  if (role !== 'relay' && relayOf.length > 0) faults.push('--relay-of is for --role relay');
  if (role === 'worker' && store === '') faults.push('--role worker needs --store');
  if (tunerAt === 'workers' && store === '') faults.push('--tuner-at workers needs --store');
  if (nurseryAt === 'workers' && store === '') faults.push('--nursery-at workers needs --store');
  return faults;
}

/** What concerns one world, or a world elsewhere, cannot be said of several. */
function worldsFaults({ role, nats, worlds, world, title, spare }: Together): string[] {
  if (worlds.length === 0) return [];
  const faults: string[] = [];
  if (role !== 'all') faults.push('--worlds is for --role all');
  if (nats !== '')
    faults.push('--worlds is for one machine: over --nats, each world is started with --role world');
  if (world !== DEFAULT_WORLD) faults.push('--world names one world, and --worlds several: give one of them');
  if (title !== '') faults.push('--title is for one world: people read the names of --worlds');
  if (spare) faults.push('--spare is for one world, not for --worlds');
  // The folder may hold a world by itself, too, or come to: its backups would take the other along, with its secrets.
  for (const name of worlds.filter((name) => TAKEN_NAMES.has(name)))
    faults.push(
      `--worlds cannot have a world called ${name}: a data directory keeps other things under that name. Choose another one, and rename its folder if it is there`,
    );
  return faults;
}

function storeFaults({ store, blobs, spare, s3Key, s3Secret }: Together): string[] {
  const faults: string[] = [];
  if (store !== '' && blobs === '') faults.push('--store needs --blobs');
  if (store === '' && blobs !== '') faults.push('--blobs is for --store');
  if (store === '' && spare) faults.push('--spare is for --store');
  const isS3 = blobs.startsWith('s3://');
  if (isS3 && !URL.canParse(blobs)) faults.push('--blobs is not s3://bucket/prefix');
  if (isS3 && (s3Key === '' || s3Secret === '')) faults.push('--blobs s3://… needs --s3-key and --s3-secret');
  return faults;
}
