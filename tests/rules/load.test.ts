import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { serializeRule } from '../../server/rules/format.ts';
import { loadRules, readRule, writeRule, writeWhole } from '../../server/rules/load.ts';
import { MAX_RULE_BYTES } from '../../shared/limits.ts';
import { randomRule } from './rules.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'regrow-rules-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test("a directory's rules are loaded by name, and other files are ignored", () => {
  writeRule(join(folder, 'a.safetensors'), { ...randomRule(1), name: 'squirtle' });
  writeRule(join(folder, 'b.safetensors'), { ...randomRule(2), name: 'bulbasaur' });
  writeFileSync(join(folder, 'README.md'), 'not a rule');
  expect(loadRules(folder).map((rule) => rule.name)).toEqual(['bulbasaur', 'squirtle']);
});

test('one bad file stops the loading with file and fact', () => {
  writeRule(join(folder, 'a.safetensors'), randomRule(1));
  writeFileSync(join(folder, 'bad.safetensors'), serializeRule(randomRule(2)).subarray(0, 900));
  expect(() => loadRules(folder)).toThrow(/bad\.safetensors: \w+ lies at .*outside the \d+ bytes of tensors/);
});

test('two files with one rule name stop the loading', () => {
  writeRule(join(folder, 'a.safetensors'), randomRule(1));
  writeRule(join(folder, 'b.safetensors'), randomRule(2));
  expect(() => loadRules(folder)).toThrow('b.safetensors: a.safetensors holds a rule named test-rule too');
});

test('a file that is missing, a directory or too large is refused by name', () => {
  expect(() => readRule(join(folder, 'none.safetensors'))).toThrow('none.safetensors: no such file');
  expect(() => loadRules(join(folder, 'nowhere'))).toThrow('nowhere: no such file');
  mkdirSync(join(folder, 'x.safetensors'));
  expect(() => readRule(join(folder, 'x.safetensors'))).toThrow('x.safetensors: is a directory');
  writeFileSync(join(folder, 'big.safetensors'), new Uint8Array(MAX_RULE_BYTES + 1));
  expect(() => readRule(join(folder, 'big.safetensors'))).toThrow(`the file has ${MAX_RULE_BYTES + 1} bytes`);
});

test('a failed write leaves the old file and nothing beside it', () => {
  const file = join(folder, 'a.safetensors');
  writeRule(file, randomRule(1));
  const before = readFileSync(file);
  expect(() => writeRule(file, { ...randomRule(2), hidden: 12 })).toThrow();
  expect(readFileSync(file)).toEqual(before);
  mkdirSync(join(folder, 'taken'));
  expect(() => writeWhole(join(folder, 'taken'), 'text')).toThrow('cannot write');
  expect(readdirSync(folder).sort()).toEqual(['a.safetensors', 'taken']);
});
