import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { AuditUpkeep } from '../../server/admin/auditUpkeep.ts';
import { Registry } from '../../server/rules/registry.ts';
import { until } from '../serverProcess.ts';

const DAY_MS = 86_400_000;
let folder: string;
let registry: Registry;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'regrow-'));
  registry = new Registry(folder, 1_000);
  registry.file.change(() => {
    for (let n = 0; n < 1_500; n++) {
      const at = new Date(Date.now() - (n < 1_200 ? 400 : 3) * DAY_MS).toISOString();
      registry.audit.note({ who: 'Ann', address: '' }, 'act', '', '', at);
    }
  });
});
afterEach(() => {
  registry.close();
  rmSync(folder, { recursive: true });
});

const upkeep = (days: number): AuditUpkeep =>
  new AuditUpkeep({ ask: async (question) => question(registry), days });

test('entries older than the setting are gone after a start, and one entry says how many', async () => {
  const running = upkeep(365);
  const newest = await until(
    'the note',
    async () => registry.audit.entries(1).find(({ action }) => action === 'prune audit log'),
    10_000,
  );
  expect([newest.who, newest.detail]).toEqual(['the server', '1200 entries older than 365 days']);
  expect(registry.audit.after(0, 2_000)).toHaveLength(301);
  running.dispose();
});

test('with 0 days, nothing is ever removed', async () => {
  upkeep(0).dispose();
  await new Promise((resolve) => setImmediate(resolve));
  expect(registry.audit.after(0, 2_000)).toHaveLength(1_500);
});
