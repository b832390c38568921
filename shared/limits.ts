/** Bounds that both sides hold. Each says why it is what it is. */

/** A name is read at a glance beside a cursor. */
export const MAX_NAME_LENGTH = 24;
/** A pointer sampled at 120 Hz for half a second; a longer stroke is sent in pieces. */
export const MAX_STROKE_POINTS = 64;
/** Cells: the widest brush, as wide as a whole organism. */
export const MAX_BRUSH_RADIUS = 24;
export const MIN_BRUSH_RADIUS = 0.5;
/** Cells from one point of a stroke to the next. */
export const MAX_STROKE_SEGMENT = 256;
/** Additive noise on a channel; the state itself lives in about -2..2. */
export const MAX_NOISE_AMPLITUDE = 1;
/** Bytes of the largest message a client may send: a full stroke in msgpack is under 2 kB. */
export const MAX_CLIENT_MESSAGE_BYTES = 8_192;
/**
 * Between two acknowledgements of one client: reading a message costs the server as much as sending a frame. The
 * largest window every 200 ms is still more than the default cap of bytes a second.
 */
export const ACK_EVERY_MS = 200;
/** Messages a second from one client; an attentive page sends about 30 (acks 5, cursor 15, strokes 10). */
export const MAX_CLIENT_MESSAGES_PER_SECOND = 120;
/** Level-0 pages that one viewport may ask for: 4K at one pixel a cell is 60 x 34 pages. */
export const MAX_VIEWPORT_PAGES = 2_400;
/** Cells a player may hurt a second, and how many he may save up (about four widest dabs). */
export const BUDGET_CELLS_PER_SECOND = 1_500;
export const BUDGET_CELLS = 6_000;
/** What planting costs of the same budget. */
export const PLANT_COST_CELLS = 1_000;
/** `/api/world.png` */
export const MAX_PNG_SIDE = 2_048;
