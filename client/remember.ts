/** Keeps small choices in this browser. A browser that refuses to keep them is not an error. */

/** Worlds under different paths of one site share its storage, and each has guests of its own. */
export function nameOf(key: string): string {
  const path = new URL('.', location.href).pathname;
  return `regrow.${path === '/' ? '' : `${path}.`}${key}`;
}

export function recall(key: string): string | null {
  try {
    return localStorage.getItem(nameOf(key));
  } catch {
    return null;
  }
}

/** @returns false when it is not kept: private windows refuse, and so does a storage that is full */
export function remember(key: string, value: string): boolean {
  try {
    localStorage.setItem(nameOf(key), value);
    return true;
  } catch {
    return false;
  }
}
