/** Keeps small choices in this browser. A browser that refuses to keep them is not an error. */

/** Worlds under different paths of one site share its storage, and each has guests of its own. */
function nameOf(key: string): string {
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

export function remember(key: string, value: string): void {
  try {
    localStorage.setItem(nameOf(key), value);
  } catch {
    // Private windows refuse: the choice then lasts as long as the page.
  }
}
