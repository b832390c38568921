/** Who hears what becomes of a drawing: a server tells its guests, and without one nobody is told. */

export interface NurseryAudience {
  /** Shows the guest a line. */
  tell(guest: string, text: string): void;
  /** One of the guest's drawings has changed. */
  drawingsOf(guest: string): void;
}

export const NOBODY: NurseryAudience = { tell: () => {}, drawingsOf: () => {} };
