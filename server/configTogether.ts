/** Which settings do not fit together, each being right by itself. */

/** The settings that depend on each other, as `Config` has them. */
interface Together {
  readonly role: string;
  readonly nats: string;
  readonly relayOf: string;
  readonly tunerAt: string;
  readonly store: string;
  readonly blobs: string;
  readonly spare: boolean;
  readonly s3Key: string;
  readonly s3Secret: string;
}

/** @returns one line for each */
export const faultsTogether = (settings: Together): string[] => [
  ...roleFaults(settings),
  ...storeFaults(settings),
];

function roleFaults({ role, nats, relayOf, store, tunerAt }: Together): string[] {
  const faults: string[] = [];
  if ((role === 'world' || role === 'relay') && nats === '') faults.push(`--role ${role} needs --nats`);
  if (role === 'relay' && relayOf === '') faults.push('--role relay needs --relay-of');
  if (role !== 'relay' && relayOf !== '') faults.push('--relay-of is for --role relay');
  if (role === 'worker' && store === '') faults.push('--role worker needs --store');
  if (tunerAt === 'workers' && store === '') faults.push('--tuner-at workers needs --store');
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
