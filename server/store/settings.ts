/** The settings of a store, as everybody who opens one needs them. */
import type { S3Settings } from './blobs.ts';

/** The settings of a store. */
export interface StoreConfig {
  readonly store: string;
  readonly blobs: string;
  readonly world: string;
  readonly spare: boolean;
  readonly leaseSeconds: number;
  readonly s3Endpoint: string;
  readonly s3Region: string;
  readonly s3Key: string;
  readonly s3Secret: string;
}

export const s3Of = ({ s3Endpoint, s3Region, s3Key, s3Secret }: StoreConfig): S3Settings => ({
  endpoint: s3Endpoint,
  region: s3Region,
  key: s3Key,
  secret: s3Secret,
});
