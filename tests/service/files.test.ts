/** Dockerfile, compose.yaml and the unit of systemd, against the repository. No registry or systemd is needed. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const dockerfile = read('Dockerfile');
const compose = read('compose.yaml');
const unit = read('server/service/regrow.service');

/** The longest stop of `server/main.ts`, in seconds: the save, and each other part in turn. */
function longestStopSeconds(): number {
  const main = read('server/main.ts');
  const ms = (name: string): number =>
    Number(new RegExp(`const ${name} = ([\\d_]+);`).exec(main)?.[1].replaceAll('_', ''));
  // A relay has fewer parts.
  const [, owner] = main.split('async function own()');
  const parts = owner.match(/patienceMs: MAX_STOP_MS/g)?.length ?? 0;
  expect(parts).toBeGreaterThan(0);
  return (ms('MAX_SAVE_MS') + parts * ms('MAX_STOP_MS')) / 1_000;
}

describe('the Dockerfile', () => {
  const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, files]) =>
    files.split(' '),
  );

  test('copies only what is there and what .dockerignore leaves', () => {
    const ignored = read('.dockerignore').trim().split('\n');
    expect(copied).toContain('package-lock.json');
    for (const file of copied) {
      expect(existsSync(join(root, file)), file).toBe(true);
      expect(ignored).not.toContain(file.split('/')[0]);
    }
  });

  test('installs with every file that the install runs', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    for (const [, script] of scripts.postinstall.matchAll(/node (\S+)/g)) expect(copied).toContain(script);
  });

  test('takes all that the server reads into its last stage, and no development dependency', () => {
    const last = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '));
    for (const folder of ['server', 'shared', 'weights'])
      expect(last).toMatch(new RegExp(`^COPY ${folder} `, 'm'));
    expect(last).toMatch(/^COPY --from=build \/regrow\/build\/client build\/client$/m);
    expect(last).toMatch(/^COPY --from=packages \/regrow\/node_modules node_modules$/m);
    expect(last).toMatch(/^COPY --from=build \/regrow\/build\/commit build\/commit$/m);
    expect(dockerfile).toMatch(/AS packages\n(?:.+\n)*RUN npm ci --omit=dev$/m);
  });

  test('starts the server without a shell, as another user than root, and asks after its health', () => {
    for (const [, program] of dockerfile.matchAll(
      /(?:CMD|ENTRYPOINT) \["node",(?: "--[^"]+",)* "([^"]+)"\]/g,
    ))
      expect(existsSync(join(root, program)), program).toBe(true);
    expect(dockerfile).toMatch(/^ENTRYPOINT \["node", "--[^"]+", "server\/main\.ts"\]$/m);
    expect(dockerfile).toMatch(/^USER (?!0|root)\d+:\d+$/m);
    expect(dockerfile).toMatch(/^HEALTHCHECK /m);
  });
});

test('npm start, the container, the service and the benches start Node with the same flags', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const [, flags] = /exec node (.+) server\/main\.ts$/.exec(scripts.start) ?? [];
  expect(flags).toMatch(/^--\S+$/);
  expect(dockerfile).toContain(`ENTRYPOINT ["node", "${flags}", "server/main.ts"]`);
  expect(unit).toMatch(new RegExp(`^ExecStart=\\S+/node ${flags} server/main\\.ts$`, 'm'));
  expect(read('tests/bench/load/server.ts')).toContain(`'${flags}',`);
});

test('a container and a service get as long to stop as the server may take', () => {
  const seconds = longestStopSeconds();
  expect(Number(/stop_grace_period: (\d+)s/.exec(compose)?.[1])).toBeGreaterThan(seconds);
  expect(Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)?.[1])).toBeGreaterThan(seconds);
});

test('compose.yaml and the service write nowhere but into the data directory', () => {
  expect(compose).toContain('read_only: true');
  expect(compose).toContain('world:/data');
  expect(dockerfile).toContain('REGROW_DATA_DIR=/data');
  expect(unit).toMatch(/^ProtectSystem=strict$/m);
  expect(unit).toMatch(/^StateDirectory=regrow$/m);
  expect(unit).toMatch(/^Environment=REGROW_DATA_DIR=\/var\/lib\/regrow$/m);
});

test('every setting that they name is one', () => {
  const help = execFileSync(process.execPath, [join(root, 'server/main.ts'), '--help'], { encoding: 'utf8' });
  const named = [dockerfile, compose, unit].flatMap((text) => text.match(/REGROW_[A-Z_]+/g) ?? []);
  expect(named.length).toBeGreaterThan(3);
  for (const name of named) expect(help).toContain(` ${name} `);
});
