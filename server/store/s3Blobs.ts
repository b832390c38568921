/** Blobs in a bucket of anything that speaks S3: put, get with a range, delete; the bucket's name stands in the path. */
import { AwsClient } from 'aws4fetch';
import type { Blobs, S3Settings } from './blobs.ts';
import { StoreError } from './postgres.ts';

/** Longest wait for one answer: a blob has at most 8 MiB. */
const MAX_ANSWER_MS = 30_000;
/** A server that is busy or broken (429, 5xx) is asked this often again, after 100 ms, 200 ms, … */
const RETRIES = 4;
const RETRY_MS = 100;
/** Characters that are kept of an answer that says why not. */
const MAX_REASON = 200;

export class S3Blobs implements Blobs {
  readonly #client: AwsClient;
  readonly #base: string;

  /** @param place - `s3://bucket/prefix` */
  constructor(place: string, { endpoint, region, key, secret }: S3Settings) {
    const { hostname: bucket, pathname } = new URL(place);
    const prefix = pathname.replace(/\/+$/, '');
    this.#base = `${endpoint.replace(/\/+$/, '')}/${bucket}${prefix}`;
    this.#client = new AwsClient({
      accessKeyId: key,
      secretAccessKey: secret,
      region,
      service: 's3',
      retries: RETRIES,
      initRetryMs: RETRY_MS,
    });
  }

  async put(name: string, bytes: Uint8Array): Promise<void> {
    const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength) as Buffer<ArrayBuffer>;
    await discard(await this.#ask(name, { method: 'PUT', body }));
  }

  async get(name: string, position: number, bytes: number): Promise<Uint8Array> {
    if (bytes === 0) return new Uint8Array();
    const headers = { range: `bytes=${position}-${position + bytes - 1}` };
    const answer = await this.#ask(name, { headers }, [416]);
    if (answer.status === 416) {
      await discard(answer);
      return new Uint8Array();
    }
    const got = await this.#guarded(name, async () => new Uint8Array(await answer.arrayBuffer()));
    // A server may send all of it.
    return answer.status === 206 ? got.subarray(0, bytes) : got.subarray(position, position + bytes);
  }

  async remove(name: string): Promise<void> {
    await discard(await this.#ask(name, { method: 'DELETE' }, [404]));
  }

  /** @param expected - statuses that are answers, besides those of success */
  async #ask(name: string, init: RequestInit, expected: readonly number[] = []): Promise<Response> {
    const url = `${this.#base}/${name}`;
    const answer = await this.#guarded(name, () =>
      this.#client.fetch(url, { ...init, signal: AbortSignal.timeout(MAX_ANSWER_MS) }),
    );
    if (answer.ok || expected.includes(answer.status)) return answer;
    const reason = (await answer.text().catch(() => '')).slice(0, MAX_REASON).replaceAll(/\s+/g, ' ');
    throw new StoreError(
      `the blob store answered ${answer.status} for ${name}${reason && `: ${reason}`}`,
      answer.status === 404 ? 'ENOENT' : 'ESTORE',
    );
  }

  async #guarded<T>(name: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const { message, cause } = error as Error;
      const why = cause instanceof Error ? `${message}: ${cause.message}` : message;
      throw new StoreError(`the blob store cannot be asked for ${name}: ${why}`, 'ESTORE', { cause: error });
    }
  }
}

/** The connection is free again when the answer has been read. */
const discard = (answer: Response): Promise<unknown> => answer.arrayBuffer().catch(() => {});
