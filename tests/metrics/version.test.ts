import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readCommit, readVersion } from '../../server/metrics/version.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'regrow-version-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const write = (path: string, text: string): void => {
  mkdirSync(join(folder, path, '..'), { recursive: true });
  writeFileSync(join(folder, path), text);
};
const COMMIT = 'a'.repeat(40);
const OTHER = 'b'.repeat(40);

test('the commit of a repository is known without git: on a branch, packed or not, and detached', () => {
  write('.git/HEAD', 'ref: refs/heads/main\n');
  write('.git/packed-refs', `# pack-refs\n${OTHER} refs/heads/other\n${COMMIT} refs/heads/main\n`);
  expect(readCommit(folder)).toBe(COMMIT);
  write('.git/refs/heads/main', `${OTHER}\n`);
  expect(readCommit(folder)).toBe(OTHER);
  write('.git/HEAD', `${COMMIT}\n`);
  expect(readCommit(folder)).toBe(COMMIT);
});

test('the commit of a worktree is that of its own branch', () => {
  write('main/HEAD', 'ref: refs/heads/main\n');
  write('main/refs/heads/side', COMMIT);
  write('main/worktrees/side/HEAD', 'ref: refs/heads/side\n');
  write('main/worktrees/side/commondir', '../..\n');
  write('.git', `gitdir: ${join(folder, 'main/worktrees/side')}\n`);
  expect(readCommit(folder)).toBe(COMMIT);
});

test('an image has it in build/commit', () => {
  write('build/commit', `${COMMIT}\n`);
  write('.git/HEAD', `${OTHER}\n`);
  expect(readCommit(folder)).toBe(COMMIT);
});

test('without a repository, or with one that is damaged, the commit is empty', () => {
  expect(readCommit(folder)).toBe('');
  write('.git/HEAD', 'ref: refs/heads/../../secret\n');
  expect(readCommit(folder)).toBe('');
  write('build/commit', '$(git rev-parse HEAD)\n');
  expect(readCommit(folder)).toBe('');
});

test('this repository has a version, and its commit is what git says', () => {
  const { version, commit, node } = readVersion('fake');
  expect(version).toMatch(/^\d+\.\d+\.\d+/);
  expect(node).toBe(process.versions.node);
  let head = '';
  try {
    head = execFileSync('git', ['rev-parse', 'HEAD'], { cwd: import.meta.dirname, encoding: 'utf8' }).trim();
  } catch {
    // Without git, or in a copy without a repository, there is nothing to compare.
  }
  if (head !== '') expect(commit).toBe(head);
});
