/** Opens a store of blobs by its place. */
import type { Blobs, S3Settings } from './blobs.ts';
import { FolderBlobs } from './folderBlobs.ts';

/**
 * @param place - a folder, or `s3://bucket/prefix`
 * @throws StoreError
 */
export async function openBlobs(place: string, s3: S3Settings): Promise<Blobs> {
  if (!place.startsWith('s3://')) return new FolderBlobs(place);
  const { S3Blobs } = await import('./s3Blobs.ts');
  return new S3Blobs(place, s3);
}
