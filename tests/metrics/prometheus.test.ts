/** What Prometheus and Grafana are given, against what the server tells; and Prometheus' own checks of it. */
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FakeWorld } from '../rooms/fakeWorld.ts';
import { startServer, type TestServer } from '../rooms/harness.ts';
import { VITALS } from './vitals.ts';

const METRICS = join(import.meta.dirname, '../../server/metrics');
const ALERTS = join(METRICS, 'alerts.yml');
const ALERT_TESTS = join(import.meta.dirname, 'alerts.test.yml');
const read = (name: string): string => readFileSync(join(METRICS, name), 'utf8');

let server: TestServer;
/** The answer of `/metrics` in a world in which everything has happened once. */
let text: string;
let names: Set<string>;
beforeAll(async () => {
  const world = new FakeWorld();
  server = await startServer({}, world);
  world.vitals = VITALS;
  world.onVitals(VITALS);
  world.wilted.set('gengar v2', 3);
  await fetch(`${server.url}nothing`);
  text = await (await fetch(`${server.url}metrics`)).text();
  names = new Set(Array.from(text.matchAll(/^# TYPE (\w+)/gm), ([, name]) => name));
});
afterAll(() => server.close());

/** Names of metrics in an expression, without what Prometheus appends to those of histograms. */
const namesIn = (expression: string): string[] =>
  Array.from(expression.matchAll(/\b(?:regrow|process)_\w+/g), ([name]) =>
    name.replace(/_(?:bucket|sum|count)$/, ''),
  );

describe('the dashboard', () => {
  interface Panel {
    readonly id: number;
    readonly type: string;
    readonly title: string;
    readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
    readonly fieldConfig?: { readonly defaults: { readonly unit: string } };
    readonly targets?: readonly { readonly expr: string; readonly refId: string }[];
  }
  const dashboard = JSON.parse(read('dashboard.json')) as { readonly panels: readonly Panel[] };
  const panels = dashboard.panels.filter(({ type }) => type !== 'row');

  test('names only metrics that there are', () => {
    const named = namesIn(JSON.stringify(dashboard));
    expect(named.length).toBeGreaterThan(40);
    expect(named.filter((name) => !names.has(name))).toEqual([]);
  });

  test('shows every metric that there is', () => {
    const shown = new Set(namesIn(JSON.stringify(dashboard)));
    // How many species there are is what the list of their rules shows.
    expect([...names].filter((name) => !shown.has(name))).toEqual(['regrow_rules_in_force']);
  });

  test('has panels with a title, a unit and a question each, none on top of another', () => {
    expect(panels.length).toBeGreaterThan(20);
    for (const { title, fieldConfig, targets } of panels) {
      expect([title, fieldConfig?.defaults.unit]).toEqual([title, expect.stringMatching(/./)]);
      expect(new Set(targets?.map(({ refId }) => refId)).size).toBe(targets?.length);
      for (const { expr } of targets!)
        expect([title, expr]).toEqual([title, expect.stringContaining('$instance')]);
    }
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
    const taken = new Set<string>();
    for (const { title, gridPos } of dashboard.panels)
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect([title, x < 24, taken.has(`${x} ${y}`)]).toEqual([title, true, false]);
          taken.add(`${x} ${y}`);
        }
  });
});

describe('the alert rules', () => {
  const alerts = Array.from(read('alerts.yml').matchAll(/- alert: (\w+)/g), ([, name]) => name);

  test('name only metrics that there are', () => {
    const expressions = read('alerts.yml');
    expect(alerts.length).toBeGreaterThan(10);
    expect(namesIn(expressions).filter((name) => !names.has(name))).toEqual([]);
  });

  test('each has a case in which it fires, and one in which it is silent', () => {
    const cases = readFileSync(ALERT_TESTS, 'utf8');
    for (const alert of alerts) {
      expect(cases).toMatch(new RegExp(`eval_time: \\w+, alertname: ${alert} }`));
      expect(cases).toMatch(new RegExp(`alertname: ${alert}\\n +exp_alerts:\\n +- `));
    }
  });
});

test('the README names only metrics that there are', () => {
  const named = namesIn(read('README.md'));
  expect(named.length).toBeGreaterThan(15);
  expect(named.filter((name) => !names.has(name))).toEqual([]);
});

const hasPromtool = spawnSync('promtool', ['--version']).status === 0;
const isRequired = (process.env.REGROW_REQUIRE_PROMTOOL ?? '') !== '';

describe.skipIf(!hasPromtool && !isRequired)('promtool', () => {
  /** @throws Error with what it says, unless it is content */
  const promtool = (args: readonly string[], input = ''): string =>
    execFileSync('promtool', args, { input, encoding: 'utf8' });

  test('finds no fault with the metrics', () => {
    expect(promtool(['check', 'metrics'], text)).toBe('');
  });

  test('accepts the alert rules, and each fires when it should and only then', () => {
    expect(promtool(['check', 'rules', ALERTS])).toContain('SUCCESS');
    expect(promtool(['test', 'rules', ALERT_TESTS])).toContain('SUCCESS');
  });

  test('accepts the configuration that the README tells', () => {
    const folder = mkdtempSync(join(tmpdir(), 'regrow-prometheus-'));
    const [, config] = /^```yaml\n([\s\S]*?)^```$/m.exec(read('README.md'))!;
    expect(config).toContain('alerts.yml');
    writeFileSync(join(folder, 'prometheus.yml'), config);
    copyFileSync(ALERTS, join(folder, 'alerts.yml'));
    expect(promtool(['check', 'config', join(folder, 'prometheus.yml')])).toContain('SUCCESS');
    rmSync(folder, { recursive: true });
  });
});
