import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { main } from '../../server/commands/rules.ts';
import { HARMS } from '../../server/evaluation/suite.ts';
import { serializeRule } from '../../server/rules/format.ts';
import { readRule, writeRule } from '../../server/rules/load.ts';
import { RuleError } from '../../server/rules/rule.ts';
import { randomRule } from '../rules/rules.ts';

const CLI = join(import.meta.dirname, '../../server/commands/rules.ts');
let folder: string;
let rule: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'regrow-cli-'));
  rule = join(folder, 'rule.safetensors');
  writeRule(rule, {
    ...randomRule(1),
    metadata: { note: 'red\u001b[31m', targetWidth: '6', targetHeight: '5' },
  });
});
afterAll(() => rmSync(folder, { recursive: true }));

const run = (...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> =>
  new Promise((resolve) => {
    execFile(process.execPath, [CLI, ...args], { cwd: folder }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });

test('inspect prints what a file holds, without control characters', async () => {
  const { code, stdout } = await run('inspect', rule);
  expect(code).toBe(0);
  expect(stdout).toContain('test-rule: 8 hidden units, fire rate 0.5');
  expect(stdout).toContain('note: red [31m');
});

test("a rule is exported to Distill's format and imported again", async () => {
  const json = join(folder, 'out.json');
  const back = join(folder, 'back.safetensors');
  await main(['export', rule, '--format', 'distill', '--out', json]);
  await main(['import', json, '--name', 'lizard', '--out', back]);
  expect(readRule(back).name).toBe('lizard');
});

test('mean makes a rule of several, and says of which in its metadata', async () => {
  const [other, out] = [join(folder, 'other.safetensors'), join(folder, 'mean.safetensors')];
  writeRule(other, randomRule(2));
  await main(['mean', rule, other, '--weights', '3,1', '--out', out]);
  const mean = readRule(out);
  expect(mean.metadata.meanOf).toBe('rule.safetensors 3, other.safetensors 1');
  expect(mean.b1[0]).toBeCloseTo(0.75 * readRule(rule).b1[0] + 0.25 * readRule(other).b1[0], 6);
  await expect(main(['mean', rule, other, '--weights', '3,x', '--out', out])).rejects.toThrow('above 0');
  await expect(main(['mean', rule, '--out', out])).rejects.toThrow('at least two');
});

test("evaluate compares with the rule's own form when the picture is not at hand, and says so", async () => {
  const places = ['--sheet', join(folder, 'sheet.png'), '--page', join(folder, 'page.html')];
  const { code, stdout, stderr } = await run(
    'evaluate',
    rule,
    '--json',
    '--seeds',
    '2',
    '--threads',
    '1',
    ...places,
  );
  expect(code).toBe(0);
  expect(stderr).toContain('test-rule: its picture is not at hand');
  const [evaluation] = JSON.parse(stdout);
  expect(Object.keys(evaluation.mse)).toEqual(['200', '1000', '5000', '10000']);
  expect(Object.keys(evaluation.recovery)).toEqual(HARMS);
  expect(Array.isArray(evaluation.missed)).toBe(true);
  expect(readFileSync(places[1]).subarray(1, 4).toString()).toBe('PNG');
  expect(readFileSync(places[3], 'utf8')).toContain('test-rule');
});

test('evaluate puts rules and Distill files into one table', async () => {
  const json = join(folder, 'lizard.json');
  await main(['export', rule, '--format', 'distill', '--out', json]);
  const { code, stdout } = await run(
    'evaluate',
    rule,
    json,
    '--seeds',
    '1',
    '--threads',
    '1',
    '--padding',
    '4',
  );
  expect(code).toBe(0);
  expect(stdout).toMatch(/^median \/ worst +test-rule +lizard$/m);
  expect(stdout).toMatch(/^recovery, scrub( +\S+ \/ +\S+){2}$/m);
});

test('a bad file gets one line and exit code 1, and nothing is written', async () => {
  const bad = join(folder, 'bad.txt');
  writeFileSync(bad, serializeRule(randomRule(2)).subarray(0, 700));
  const out = ['--out', join(folder, 'new.safetensors')];
  const before = readdirSync(folder);
  const { code, stdout, stderr } = await run('inspect', bad);
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(/^.*bad\.txt: .+\n$/);
  for (const args of [
    ['evaluate', bad],
    ['export', bad, '--format', 'distill', ...out],
    ['import', bad, '--name', 'x', ...out],
    ['import', join(folder, 'none'), '--name', 'x', ...out],
    ['inspect'],
    [],
    ['bake', rule],
    ['inspect', rule, '--order', 'planar'],
    ['inspect', rule, '--speed'],
    ['export', rule, ...out],
    ['import', rule, '--name', 'x', '--out', join(folder, 'new.txt')],
    ['evaluate', rule, '--seeds', '0'],
    ['evaluate', rule, '--padding', '99'],
    ['evaluate', rule, rule, '--image', 'one.png'],
    ['evaluate', rule, '--image', join(folder, 'none.png')],
    ['evaluate', join(folder, 'none.json')],
  ]) {
    const error = await main(args).catch((reason: Error) => reason);
    expect(error, args.join(' ')).toBeInstanceOf(RuleError);
    expect((error as Error).message).not.toContain('\n');
  }
  expect(readdirSync(folder)).toEqual(before);
});

test.each([
  ['evaluate', 'seeds', '257', 'a whole number from 1 to 256'],
  ['evaluate', 'threads', '0', 'a whole number from 1 to 256'],
  ['evaluate', 'padding', '33', 'a whole number from 0 to 32'],
  ['evaluate', 'order', 'diagonal', 'planar or interleaved'],
  ['export', 'format', 'onnx', 'distill'],
  ['rollback', 'to', '0', 'a whole number from 1 to 999999999'],
])('%s --%s %s is refused, with what is allowed', async (word, flag, value, expected) => {
  await expect(main([word, 'x', `--${flag}`, value])).rejects.toThrow(
    `--${flag} ${value} is not ${expected}`,
  );
});

test('a flag that a command needs and that is not given is named', async () => {
  await expect(main(['import', 'x'])).rejects.toThrow('--name is missing\n--out is missing');
  await expect(main(['export', 'x', '--out', 'y'])).rejects.toThrow('--format is missing');
});
