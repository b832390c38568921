/** The profile `cluster` of compose.yaml, against our settings and what the images have. No Docker is needed. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Config, readConfig } from '../../server/config.ts';
import { BROKER_PROGRAM, noBroker } from '../links/broker.ts';
import { isOurs, mountsOf, ROOT, readCompose } from './compose.ts';
import { findProgram } from './proxies.ts';

const { services, volumes, networks } = readCompose();
const entries = Object.entries(services);
const ours = entries.filter(([, service]) => isOurs(service));
const cluster = entries.filter(([, { profiles }]) => profiles?.includes('cluster'));
const dockerfile = readFileSync(join(ROOT, 'Dockerfile'), 'utf8');

/** What the images of others have: programs for commands and health checks, folders that they write. */
const IMAGES: Readonly<Record<string, { programs: string[]; writes: string[]; configs: string[] }>> = {
  'haproxy:2.6-alpine': {
    programs: ['haproxy', 'wget'],
    writes: [],
    configs: ['/usr/local/etc/haproxy/haproxy.cfg'],
  },
  'nats:2.15-alpine': { programs: ['nats-server', 'wget'], writes: [], configs: ['/etc/nats/regrow.conf'] },
  'postgres:15-bookworm': {
    programs: ['postgres', 'pg_isready'],
    writes: ['/var/lib/postgresql/data'],
    configs: [],
  },
};

const settingsOf = (name: string): Config => readConfig([], services[name].environment ?? {});

describe('compose.yaml', () => {
  test('without a profile, it is one process', () => {
    expect(entries.filter(([, { profiles }]) => profiles === undefined).map(([name]) => name)).toEqual([
      'regrow',
    ]);
    expect(settingsOf('regrow')).toMatchObject({ role: 'all', store: '', nats: '' });
  });

  test('the cluster is a world and a spare, two relays, a worker, and what is between them', () => {
    expect(cluster.map(([name]) => name).sort()).toEqual([
      'haproxy',
      'nats',
      'postgres',
      'relay-1',
      'relay-2',
      'spare',
      'worker',
      'world',
    ]);
    expect(ours.map(([name]) => [name, settingsOf(name).role])).toEqual([
      ['regrow', 'all'],
      ['world', 'world'],
      ['spare', 'world'],
      ['relay-1', 'relay'],
      ['relay-2', 'relay'],
      ['worker', 'worker'],
    ]);
  });

  test('the server takes the settings of every service, whatever the operator has set', () => {
    const filled = readCompose({
      REGROW_ADMIN_TOKEN: 'a token of sixteen or more',
      REGROW_PUBLIC_URL: 'https://example.org/regrow',
      REGROW_TRUST_PROXY: '2',
      DATABASE_PASSWORD: 'moss',
    });
    for (const [name] of ours) {
      const { environment = {} } = filled.services[name];
      expect(() => readConfig([], environment), name).not.toThrow();
      for (const variable of Object.keys(environment)) expect(variable).toMatch(/^REGROW_/);
    }
    expect(readConfig([], filled.services.world.environment!).store).toContain(':moss@postgres/');
    expect(filled.services.postgres.environment!.POSTGRES_PASSWORD).toBe('moss');
  });

  test('either of two owns the world, at the store that workers use, and relays serve that world', () => {
    const [world, spare, worker] = ['world', 'spare', 'worker'].map(settingsOf);
    expect(services.world.environment).toEqual(services.spare.environment);
    expect([world.spare, spare.spare]).toEqual([true, true]);
    expect([world.tunerAt, world.nurseryAt]).toEqual(['workers', 'workers']);
    expect([worker.store, worker.blobs]).toEqual([world.store, world.blobs]);
    for (const relay of ['relay-1', 'relay-2'].map(settingsOf)) {
      expect([relay.relayOf, relay.nats]).toEqual([[world.world], world.nats]);
      expect(relay.trustProxy).toBeGreaterThan(0);
    }
  });

  test('a host that one service names is a service that it can reach, and waits for', () => {
    for (const [name, service] of cluster) {
      const said = Object.values(service.environment ?? {}).join(' ');
      const hosts = cluster.map(([host]) => host).filter((host) => new RegExp(`[/@ ]${host}[:/]`).test(said));
      for (const host of hosts) {
        expect(service.depends_on, `${name} needs ${host}`).toHaveProperty(host);
        expect(services[host].networks!.some((network) => service.networks!.includes(network))).toBe(true);
      }
      for (const [other, { condition }] of Object.entries(service.depends_on ?? {})) {
        expect(services[other].profiles).toEqual(['cluster']);
        // Without a check of its own, a service would never be healthy.
        if (condition === 'service_healthy') expect(services[other].healthcheck).toBeDefined();
      }
    }
  });

  test('one command brings all of it up: what is in front waits for the rest', () => {
    const needed = new Set<string>();
    const need = (name: string): void => {
      if (needed.has(name)) return;
      needed.add(name);
      Object.keys(services[name].depends_on ?? {}).forEach(need);
    };
    need('haproxy');
    expect([...needed].sort()).toEqual(cluster.map(([name]) => name).sort());
  });

  test('only what is in front can be reached from outside', () => {
    expect(cluster.filter(([, { ports }]) => ports !== undefined).map(([name]) => name)).toEqual(['haproxy']);
    expect(networks.cluster).toEqual({ internal: 'true' });
    for (const [name, service] of cluster)
      expect(service.networks).toEqual(name === 'haproxy' ? ['cluster', 'outside'] : ['cluster']);
  });

  test('every volume is declared, and is a folder that the image lets its user write', () => {
    const [, made] = /install -d -o 10001 -g 10001 (.+)/.exec(dockerfile)!;
    for (const [name, service] of entries) {
      const image = IMAGES[service.image];
      for (const { from, to, isReadOnly } of mountsOf(service)) {
        if (from.startsWith('./')) {
          expect(existsSync(join(ROOT, from)), from).toBe(true);
          expect([isReadOnly, image.configs.includes(to)], name).toEqual([true, true]);
        } else {
          expect(volumes).toHaveProperty(from);
          expect(isOurs(service) ? made.split(' ') : image.writes, name).toContain(to);
        }
      }
    }
    const used = entries.flatMap(([, service]) => mountsOf(service).map(({ from }) => from));
    expect(Object.keys(volumes).filter((volume) => !used.includes(volume))).toEqual([]);
    const { blobs } = settingsOf('world');
    for (const name of ['world', 'spare', 'worker'])
      expect(mountsOf(services[name]).map(({ to }) => to)).toContain(blobs);
  });

  test('two owners do not share a data directory', () => {
    const [one, other] = ['world', 'spare'].map((name) => mountsOf(services[name])[0]);
    expect([one.to, other.to]).toEqual(['/data', '/data']);
    expect(one.from).not.toBe(other.from);
  });

  test('commands and health checks are programs of their images', () => {
    for (const [name, { image, command, healthcheck }] of entries) {
      if (image === 'regrow') {
        // The image has its own.
        expect([command, healthcheck], name).toEqual([undefined, undefined]);
        continue;
      }
      expect(Object.keys(IMAGES)).toContain(image);
      if (command !== undefined) expect(IMAGES[image].programs).toContain(command[0]);
      const [how, program] = healthcheck!.test;
      expect([how, IMAGES[image].programs.includes(program)], name).toEqual(['CMD', true]);
    }
  });

  test('the check of haproxy asks the port that it listens at', () => {
    const { environment, healthcheck, ports } = services.haproxy;
    const [, port] = /^\*:(\d+)$/.exec(environment!.LISTEN)!;
    expect(healthcheck!.test.at(-1)).toContain(`127.0.0.1:${port}/`);
    expect(ports).toEqual([`${port}:${port}`]);
    for (const relay of ['RELAY_1', 'RELAY_2'])
      expect(environment![relay]).toMatch(new RegExp(`:${settingsOf('relay-1').port}$`));
  });

  test('an owner gets as long to stop as a single process', () => {
    for (const name of ['world', 'spare'])
      expect(services[name].stop_grace_period).toBe(services.regrow.stop_grace_period);
  });
});

const haproxy = findProgram('haproxy');
if (haproxy === null && (process.env.REGROW_REQUIRE_PROXIES ?? '') !== '') throw new Error('install haproxy');

test.skipIf(haproxy === null)('haproxy takes its file with the variables of compose.yaml', () => {
  const { environment } = services.haproxy;
  const [{ from }] = mountsOf(services.haproxy);
  const { status, stderr } = spawnSync(haproxy!, ['-c', '-f', join(ROOT, from)], { env: environment });
  expect([status, String(stderr).includes('ALERT')], String(stderr)).toEqual([0, false]);
  const lacking = spawnSync(haproxy!, ['-c', '-f', join(ROOT, from)], { env: { LISTEN: '127.0.0.1:1' } });
  expect(lacking.status).not.toBe(0);
});

test.skipIf(noBroker !== null)('nats-server takes its file', () => {
  const [{ from }] = mountsOf(services.nats);
  const { status, stderr } = spawnSync(BROKER_PROGRAM, ['-t', '-c', join(ROOT, from)]);
  expect([status, String(stderr)]).toEqual([0, expect.stringContaining('is valid')]);
});
