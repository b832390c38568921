/** The rule that learnings begin with. */
import { join } from 'node:path';
import { readRule } from '../rules/load.ts';
import type { Rule } from '../rules/rule.ts';

const FILE = join(import.meta.dirname, '../../weights/eevee.safetensors');

/** @throws RuleError when the file is missing or bad */
export const readStart = (): Rule => readRule(FILE);
