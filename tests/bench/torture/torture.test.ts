import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { seededRandom } from '../../engines/fixtures.ts';
import { Findings, Life } from './life.ts';

const preload = (query: string): string => `${new URL('double.ts', import.meta.url).href}?${query}`;

test('what was acknowledged survives kills at a random instant, within a write, a rename and a failing disk', {
  timeout: 120_000,
}, async () => {
  const root = mkdtempSync(join(tmpdir(), 'regrow-'));
  const [folder, scratch] = ['life', 'scratch'].map((name) => join(root, name));
  for (const path of [folder, scratch]) mkdirSync(path);
  const findings = new Findings();
  try {
    const life = new Life({
      folder,
      disk: null,
      scratch,
      kept: null,
      name: 'life',
      draw: seededRandom(1),
      findings,
      tell: () => {},
      signal: new AbortController().signal,
    });
    // The first start of all, between its journal and its first save.
    await life.kill({ kind: 'save rename', preload: preload('do=kill&op=rename&of=^world&when=before&n=1') });
    await life.kill({ kind: 'random', atMs: 700 });
    await life.kill({
      kind: 'journal write',
      preload: preload('do=kill&op=write&of=^journal&when=within&n=9'),
    });
    await life.kill({ kind: 'EIO', preload: preload('do=EIO&n=30&forMs=300'), atMs: 1_000 });
    await life.end();
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
  expect(findings.faults).toEqual([]);
  expect(findings.kills).toBe(4);
  expect(findings.bitEqual + findings.withoutSave).toBe(4);
  expect(findings.acknowledged).toBeGreaterThan(5);
});
