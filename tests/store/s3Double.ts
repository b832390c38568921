/** A bucket over real HTTP: what of S3 we use, in memory. It checks that requests are signed, and can fail. */
import { createServer, type Server } from 'node:http';

export class S3Double {
  readonly endpoint: string;
  readonly objects = new Map<string, Buffer>();
  /** Requests that were answered, as "GET /bucket/name". */
  readonly heard: string[] = [];
  /** So many of the next requests are answered with 503. */
  failures = 0;
  /** Whether it sends all of an object for a part of it, as S3 may. */
  ignoresRanges = false;
  readonly #server: Server;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.endpoint = `http://127.0.0.1:${port}`;
  }

  static async start(key: string): Promise<S3Double> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const double = new S3Double(server, (server.address() as { port: number }).port);
    server.on('request', async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      const { method = '', url = '', headers } = request;
      const end = (status: number, body: Uint8Array | string = ''): void => {
        response.writeHead(status, { 'content-length': Buffer.byteLength(body) }).end(body);
      };
      if (double.failures > 0) {
        double.failures--;
        end(503, 'SlowDown');
        return;
      }
      double.heard.push(`${method} ${url}`);
      const signed = new RegExp(`^AWS4-HMAC-SHA256 Credential=${key}/\\d{8}/[\\w-]+/s3/aws4_request`);
      if (!signed.test(headers.authorization ?? '')) return end(403, 'AccessDenied');
      const object = double.objects.get(url);
      if (method === 'PUT') {
        double.objects.set(url, Buffer.concat(chunks));
        return end(200);
      }
      if (method === 'DELETE') {
        double.objects.delete(url);
        return end(204);
      }
      if (object === undefined) return end(404, '<Error><Code>NoSuchKey</Code></Error>');
      const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '') ?? [];
      if (from === undefined || double.ignoresRanges) return end(200, object);
      if (Number(from) >= object.length) return end(416);
      end(206, object.subarray(Number(from), Number(to) + 1));
    });
    return double;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
