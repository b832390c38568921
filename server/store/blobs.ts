/** What a store of blobs is: a folder that every machine sees (`folderBlobs.ts`), or anything that speaks S3 (`s3Blobs.ts`). */
/** A blob is written once, whole, under a name that nothing else ever has. */
export interface Blobs {
  /** Resolves when it is kept. @throws StoreError */
  put(name: string, bytes: Uint8Array): Promise<void>;
  /**
   * @returns the bytes at a position; fewer than asked for only at the end of the blob
   * @throws StoreError, with the code 'ENOENT' when there is no such blob
   */
  get(name: string, position: number, bytes: number): Promise<Uint8Array>;
  /** Does nothing when there is no such blob. @throws StoreError */
  remove(name: string): Promise<void>;
}

export interface S3Settings {
  /** `https://s3.example.com`; the bucket stands in the path. */
  readonly endpoint: string;
  readonly region: string;
  readonly key: string;
  readonly secret: string;
}
