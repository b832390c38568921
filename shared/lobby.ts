/** `/api/worlds`: what a lobby tells of the worlds of a server. */

/**
 * - `awake`: it steps
 * - `paused`: an admin has paused it
 * - `troubled`: it steps, but cannot be saved, and refuses strokes
 * - `starting`: it has not been reached since the server started
 * - `resting`: it was here, and cannot be reached
 */
const WORLD_STATES = ['awake', 'paused', 'troubled', 'starting', 'resting'] as const;
export type WorldState = (typeof WORLD_STATES)[number];

export interface LobbyWorld {
  /** Its page is `w/NAME/`, relative to the lobby. */
  readonly name: string;
  readonly title: string;
  readonly state: WorldState;
  /** Visits in it now. */
  readonly players: number;
  /** Organisms; null: not known yet. */
  readonly bodies: number | null;
  /** Those of them whose body is gone or dissolves: they grow again. */
  readonly growing: number;
  /** The mean of all that have a body, 0 to 1; null: not known, or there are none. */
  readonly health: number | null;
  /** Address of a small picture, relative to the lobby; null: there is none yet. */
  readonly picture: string | null;
}

export interface LobbyWorlds {
  readonly worlds: readonly LobbyWorld[];
}
