/** The parts that kernels share: the layout as WGSL constants, and how a tile finds the cells around it. */
import { CHANNEL_LIMIT, OPAQUE_ABOVE } from '../../engine.ts';
import * as layout from '../layout.ts';

const constants = Object.entries(layout)
  .map(([name, value]) => `const ${name} = ${value}u;`)
  .join('\n');

export const PRELUDE = /* wgsl */ `
${constants}
const SIDE = 64u;
const RING = TILE + 2u;
const RING_CELLS = RING * RING;
const THRESHOLD = f32(${OPAQUE_ABOVE});

const OWNER = 0xffffu;
const CHANNEL_LIMIT = f32(${CHANNEL_LIMIT});
// owners plane
const STILL = 1u << 16u;
const MOVED = 1u << 17u;
// claims plane
const PRE_ALIVE = 1u << 16u;
const OPAQUE_AFTER = 1u << 17u;
const MOVED_NOW = 1u << 18u;
const STILL_NOW = 1u << 19u;

/** The bank that a dispatch works on; its buffers hold slots base .. base + pages - 1. */
struct Bank { base: u32, pages: u32, number: u32 }
`;

/**
 * The form of the kernels for a device. Subgroups change no result; float16 rounds the rule's weights.
 */
export interface KernelForm {
  /** One atomic per subgroup instead of one per lane. Needs the device feature `subgroups`. */
  readonly subgroups: boolean;
  /** Two weights per word, which halves the loads of the update rule. Needs no device feature. */
  readonly halfWeights: boolean;
}

export const ENABLE_SUBGROUPS = 'enable subgroups;\n';

/** The start of a kernel with one workgroup per active tile. Needs `bank` and `work`, read only. */
export const LISTED_TILE = /* wgsl */ `
  let listed = group.y * DISPATCH_ROW + group.x;
  if (listed >= work[WORK_ACTIVE + bank.number]) { return; }
  let entry = work[WORK_LIST + bank.number * bank.pages * TILES + listed];
  let slot = entry / TILES;
  let tile = entry % TILES;
`;

/** Places of a tile's cells and of the ring around it: index 0 .. RING_CELLS - 1, row-major. Needs `heads`. */
export const RING_PLACE = /* wgsl */ `
struct Place { neighbour: u32, slot: u32, cell: u32 }

fn placeOf(slot: u32, tile: u32, ring: u32) -> Place {
  let x = i32((tile % TILES_ACROSS) * TILE + ring % RING) - 1;
  let y = i32((tile / TILES_ACROSS) * TILE + ring / RING) - 1;
  let neighbour = u32((1 + (y >> 6u)) * 3 + 1 + (x >> 6u));
  return Place(neighbour, heads[slot * HEAD_WORDS + neighbour], u32((y & 63) * 64 + (x & 63)));
}
`;

/** Writes a border cell to `shore` too (`layout.ts`). Needs `shore`, writable. */
export const WRITE_SHORE = /* wgsl */ `
fn writeShore(slot: u32, cell: u32, a: vec4f, b: vec4f, c: vec4f, d: vec4f) {
  let x = cell % SIDE;
  let y = cell / SIDE;
  if (y == 0u) { writeShoreCell(slot * SHORE_CELLS + x, a, b, c, d); }
  if (y == SIDE - 1u) { writeShoreCell(slot * SHORE_CELLS + SIDE + x, a, b, c, d); }
  if (x == 0u) { writeShoreCell(slot * SHORE_CELLS + 2u * SIDE + y, a, b, c, d); }
  if (x == SIDE - 1u) { writeShoreCell(slot * SHORE_CELLS + 3u * SIDE + y, a, b, c, d); }
}

fn writeShoreCell(at: u32, a: vec4f, b: vec4f, c: vec4f, d: vec4f) {
  shore[at * 4u] = a;
  shore[at * 4u + 1u] = b;
  shore[at * 4u + 2u] = c;
  shore[at * 4u + 3u] = d;
}
`;

/** Tests a value's bits, because WGSL may assume that NaN and infinities never occur in comparisons. */
export const IN_BOUNDS = /* wgsl */ `
fn areFinite(v: vec4f) -> bool {
  return all((bitcast<vec4u>(v) & vec4u(0x7f800000u)) != vec4u(0x7f800000u));
}

fn clamped(v: vec4f) -> vec4f {
  return clamp(v, vec4f(-CHANNEL_LIMIT), vec4f(CHANNEL_LIMIT));
}
`;

/** Pixels exactly as `toByte` makes them in float64, in integers: a float32 product would round too early. */
export const TO_PIXEL = /* wgsl */ `
fn toByte(value: f32) -> u32 {
  let bits = bitcast<u32>(value);
  let exponent = bits >> 23u;            // with the sign on top
  if (exponent >= 127u) {                // negative, NaN, or at least 1
    return select(0u, 255u, exponent < 255u || bits == 0x7f800000u);
  }
  // value = mantissa / 2^shift; below 2^-9 it rounds to 0.
  let shift = 150u - exponent;
  if (shift > 32u) { return 0u; }
  let mantissa = (bits & 0x7fffffu) | 0x800000u;
  return (((mantissa * 255u) >> (shift - 1u)) + 1u) >> 1u;
}

fn toPixel(rgba: vec4f) -> u32 {
  return toByte(rgba.x) | (toByte(rgba.y) << 8u) | (toByte(rgba.z) << 16u) | (toByte(rgba.w) << 24u);
}
`;
