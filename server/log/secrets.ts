/** Takes tokens and cookies out of lines, wherever they came from: an error may quote what a client sent. */

/**
 * A guest's token (`guests/token.ts`), an admin's cookie (`admin/logins.ts`), or an admin's token (`admin/adminTable.ts`):
 * base64url of 16 and 32, of 32, and of 24 bytes. Ids of requests may have 32 characters as well, but no capitals.
 */
const TOKENS = /(?<![\w-])(?:(?:[\w-]{22}\.)?[\w-]{43}|(?=[\w-]*[A-Z])[\w-]{32})(?![\w-])/g;
export const HIDDEN = '[hidden]';

/**
 * @param line - JSON
 * @param secrets - hidden as well; empty ones are ignored
 */
export function hideTokens(line: string, secrets: readonly string[]): string {
  let hidden = line.replaceAll(TOKENS, HIDDEN);
  for (const secret of secrets)
    if (secret !== '') hidden = hidden.replaceAll(JSON.stringify(secret).slice(1, -1), HIDDEN);
  return hidden;
}
