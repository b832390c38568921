/** JSON files of the tuner, read with their form. */
import { readFileSync } from 'node:fs';
import { RuleError } from '../rules/rule.ts';

/** @throws RuleError naming the file when it is missing, not JSON, or not of that kind */
export function readJson<T>(file: string, isValid: (value: unknown) => value is T): T {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) throw new RuleError(`${file} is not JSON`);
    const { code, message } = error as NodeJS.ErrnoException;
    throw new RuleError(code === 'ENOENT' ? `${file} is missing` : `${file} cannot be read: ${message}`);
  }
  if (isValid(value)) return value;
  throw new RuleError(`${file} does not hold what its name says`);
}
