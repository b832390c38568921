/**
 * Mature forms on disk, one file per rule. The name holds a hash of the rule's weights, so a changed rule grows anew.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hashWeights, type Rule } from '../rules/rule.ts';
import { openSealed, SealError, writeSealed } from '../storage/sealed.ts';
import type { MatureCache, MatureForm } from './mature.ts';

const MAGIC = 'REGROW M';
/** Grows when `growMature` changes what it grows. */
const VERSION = 1;

export function matureFiles(folder: string): MatureCache {
  const pathOf = (rule: Rule): string => join(folder, `${rule.name}-${hashOf(rule).slice(0, 16)}.mature`);
  return {
    async read(rule) {
      try {
        const { version, header, body } = openSealed(await readFile(pathOf(rule)), MAGIC);
        if (version !== VERSION) return null;
        const { x, y, width, height } = header as Omit<MatureForm, 'rgba'>;
        const rgba = new Float32Array(Uint8Array.from(body).buffer);
        return rgba.length === width * height * 4 ? { x, y, width, height, rgba } : null;
      } catch (error) {
        const isUnreadable = (error as NodeJS.ErrnoException).code !== undefined;
        if (!isUnreadable && !(error instanceof SealError)) throw error;
        // Missing or damaged: it is only a cache, and the form that is grown now replaces it.
        return null;
      }
    },
    async write(rule, { rgba, ...header }) {
      await mkdir(folder, { recursive: true });
      const body = new Uint8Array(rgba.buffer, rgba.byteOffset, rgba.byteLength);
      await writeSealed(pathOf(rule), MAGIC, VERSION, header, [body]);
    },
  };
}

function hashOf(rule: Rule): string {
  const { hidden, fireRate, metadata } = rule;
  const facts = JSON.stringify([hidden, fireRate, metadata.targetWidth, metadata.targetHeight]);
  return hashWeights(createHash('sha256').update(facts), rule).digest('hex');
}
