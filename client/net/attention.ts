/** Tells the connection when the page is hidden, seen again, or back on the network. */

/** The part of a connection that this uses. */
export interface Attentive {
  see(isSeen: boolean): void;
  wake(): void;
}

export function attend(connection: Attentive): void {
  const look = (): void => connection.see(!document.hidden);
  look();
  document.addEventListener('visibilitychange', look);
  // From the back/forward cache, with a socket that the browser has closed.
  addEventListener('pageshow', (event) => {
    if (!event.persisted) return;
    look();
    connection.wake();
  });
  addEventListener('online', () => connection.wake());
  // Another network: Chromium alone tells.
  const { connection: network } = navigator as Navigator & { readonly connection?: EventTarget };
  network?.addEventListener('change', () => connection.wake());
}
