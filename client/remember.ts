/** Keeps small choices in this browser. One that refuses to keep anything is not an error. */

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
