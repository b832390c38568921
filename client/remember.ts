/** Keeps small choices in this browser. A browser that refuses to keep them is not an error. */

const PREFIX = 'regrow.';

export function recall(key: string): string | null {
  try {
    return localStorage.getItem(PREFIX + key);
  } catch {
    return null;
  }
}

export function remember(key: string, value: string): void {
  try {
    localStorage.setItem(PREFIX + key, value);
  } catch {
    // Private windows refuse: the choice then lasts as long as the page.
  }
}
