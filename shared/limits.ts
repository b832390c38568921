/** Bounds that the server and the client both keep, each with its reason. */

/** Characters: a name must be readable at a glance beside a cursor. */
export const MAX_NAME_LENGTH = 24;
/** A pointer sampled at 120 Hz gives 60 points in half a second; a longer drag is sent in pieces. */
export const MAX_STROKE_POINTS = 64;
/** Cells: the widest brush is as wide as a whole organism. */
export const MAX_BRUSH_RADIUS = 24;
export const MIN_BRUSH_RADIUS = 0.5;
/** Most cells from one point of a stroke to the next. */
export const MAX_STROKE_SEGMENT = 256;
/** Bytes of the largest message that a client may send; a full stroke in msgpack is under 2 kB. */
export const MAX_CLIENT_MESSAGE_BYTES = 8_192;
/**
 * Time between two acknowledgements from one client: reading a message costs the server as much as sending a frame. The
 * largest window every 200 ms is still more than the default cap on bytes per second.
 */
export const ACK_EVERY_MS = 200;
/** The most of that, for a client whose connection has room to spare and which was told so (`PaceMessage`). */
export const ACK_EASY_MS = 1_000;
/** Messages per second from one client; the client of a busy player sends about 30 (5 acks, 15 cursors, 10 strokes). */
export const MAX_CLIENT_MESSAGES_PER_SECOND = 120;
/** Strokes per second from one client, and twice as many at once; a busy player sends 10. */
export const MAX_STROKES_PER_SECOND = 40;
/** Pages of one level that a viewport may cover: a 4K screen at one pixel per cell shows 60 x 34. */
export const MAX_VIEWPORT_PAGES = 2_400;
/** Cells that a player may hurt per second, and how many may be saved up: about three dabs of the widest brush. */
export const BUDGET_CELLS_PER_SECOND = 1_500;
export const BUDGET_CELLS = 6_000;
/**
 * Cells that the smallest stroke costs: whatever its size, it is planned, written to disk and told to everybody. A busy
 * player sends 10 strokes per second.
 */
export const MIN_STROKE_COST_CELLS = 64;
/** Cells that planting takes from the same budget. */
export const PLANT_COST_CELLS = 1_000;
/** Pixels along a side of `/api/world.png`. */
export const MAX_PNG_SIDE = 2_048;
/** Bytes of a rule file. A rule of 256 hidden units takes 67 kB; the rest is room for metadata. */
export const MAX_RULE_BYTES = 1_048_576;
