/** Reads the records of play, and the open records of sessions that run or were killed. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { isMissing } from '../files/disk.ts';
import { FactError } from '../sessions/facts.ts';
import { readOpenRecord } from '../sessions/openRecord.ts';
import { readSession, SessionRecordError } from '../sessions/record.ts';

const SESSIONS_FOLDER = 'sessions';
const OPEN = '.open.jsonl';

export interface SessionsSurvey {
  readonly records: number;
  /** Sessions that run, or whose server was killed. */
  readonly open: number;
  /** Each begins with the file's path. */
  readonly faults: readonly string[];
}

export function surveySessions(folder: string): SessionsSurvey {
  const sessions = join(folder, SESSIONS_FOLDER);
  let records = 0;
  let open = 0;
  const faults: string[] = [];
  for (const name of namesIn(sessions).sort()) {
    const path = join(sessions, name);
    try {
      if (name.endsWith(OPEN)) {
        const text = readFileSync(path, 'utf8');
        // The session has just begun: nothing is written yet.
        if (text === '') continue;
        const { lost } = readOpenRecord(text, basename(name, OPEN));
        if (lost > 0) faults.push(`${path}: ${lost} lines cannot be read`);
        open++;
      } else if (name.endsWith('.json')) {
        readSession(path);
        records++;
      }
    } catch (error) {
      // A server has ended the session meanwhile, or removed its oldest record.
      if (isMissing(error)) continue;
      if (!(error instanceof FactError || error instanceof SessionRecordError)) throw error;
      faults.push(error.message.includes(path) ? error.message : `${path}: ${error.message}`);
    }
  }
  return { records, open, faults };
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
