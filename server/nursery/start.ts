/** The rule that learnings begin with: weights/README.md says how it was made. It is no species, so it lies apart. */
import { join } from 'node:path';
import { readRule } from '../rules/load.ts';
import type { Rule } from '../rules/rule.ts';

const FILE = join(import.meta.dirname, '../../weights/start/start.safetensors');

/** @throws RuleError when the file is missing or bad */
export const readStart = (): Rule => readRule(FILE);
