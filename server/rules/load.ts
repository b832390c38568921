/** Rule files on disk: read one, read a directory, or write one so that a reader never sees a partial file. */

import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { MAX_RULE_BYTES } from '../../shared/limits.ts';
import { parseRule, serializeRule } from './format.ts';
import { type Rule, RuleError } from './rule.ts';

export const RULE_SUFFIX = '.safetensors';

export interface RuleFile {
  readonly rule: Rule;
  /** As on disk: a rule's hash is computed from these. */
  readonly bytes: Uint8Array;
}

/** @throws RuleError that names the file and the fact */
export function readRuleFile(file: string): RuleFile {
  try {
    const { size } = statSync(file);
    if (size > MAX_RULE_BYTES)
      throw new RuleError(`the file has ${size} bytes, at most ${MAX_RULE_BYTES} are read`);
    const bytes = readFileSync(file);
    return { rule: parseRule(bytes), bytes };
  } catch (error) {
    throw new RuleError(`${file}: ${fact(error as NodeJS.ErrnoException)}`, { cause: error });
  }
}

/** @throws RuleError that names the file and the fact */
export const readRule = (file: string): Rule => readRuleFile(file).rule;

/**
 * Every `*.safetensors` of a directory, sorted by rule name.
 *
 * @throws RuleError that names the first bad file, or two files with one rule name
 */
export const loadRules = (directory: string): Rule[] => loadRuleFiles(directory).map(({ rule }) => rule);

/** Like `loadRules`, with the bytes of the files. @throws RuleError as well */
export function loadRuleFiles(directory: string): RuleFile[] {
  let names: string[];
  try {
    names = readdirSync(directory);
  } catch (error) {
    throw new RuleError(`${directory}: ${fact(error as NodeJS.ErrnoException)}`, { cause: error });
  }
  const fileOf = new Map<string, string>();
  const files = names
    .filter((name) => name.endsWith(RULE_SUFFIX))
    .sort()
    .map((name) => {
      const file = readRuleFile(join(directory, name));
      const other = fileOf.get(file.rule.name);
      if (other)
        throw new RuleError(`${join(directory, name)}: ${other} holds a rule named ${file.rule.name} too`);
      fileOf.set(file.rule.name, name);
      return file;
    });
  return files.sort((a, b) => (a.rule.name < b.rule.name ? -1 : 1));
}

/** @throws RuleError when the file is missing or longer than `mostBytes` */
export function readText(file: string, mostBytes: number): string {
  let size: number;
  try {
    size = statSync(file).size;
    if (size <= mostBytes) return readFileSync(file, 'utf8');
  } catch (error) {
    throw new RuleError(fact(error as NodeJS.ErrnoException), { cause: error });
  }
  throw new RuleError(`the file has ${size} bytes, at most ${mostBytes} are read`);
}

export const writeRule = (file: string, rule: Rule): void => writeWhole(file, serializeRule(rule));

/** The disk takes no file: what was to be written is not at fault. */
export class WriteError extends RuleError {
  override name = 'WriteError';
}

/** Writes aside, then renames: the old file stays whole until the new one is. @throws WriteError */
export function writeWhole(file: string, bytes: Uint8Array | string): void {
  const aside = join(dirname(file), `.${basename(file)}.${process.pid}.part`);
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(aside, bytes, { flush: true });
    renameSync(aside, file);
  } catch (error) {
    rmSync(aside, { force: true });
    throw new WriteError(`cannot write ${file}: ${fact(error as NodeJS.ErrnoException)}`, { cause: error });
  }
}

function fact(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') return 'no such file';
  if (error.code === 'EISDIR') return 'is a directory';
  if (error.code === 'ENOTDIR') return 'is not in a directory';
  if (error.code === 'EACCES') return 'permission denied';
  return error.message;
}
