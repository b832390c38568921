/**
 * The fused kernel: owners in this step, alive mask before the update, fire, perceive, update rule. One workgroup per
 * tile. Firing cells are packed to the front of the workgroup, so that whole subgroups work or return.
 *
 * Workgroup memory holds the tile and its ring, eight channels at a time: all sixteen would be 20.7 kB, more than the
 * 16 KiB that WebGPU guarantees. A lane keeps its cell's perception (48 float32) and its delta (16) in registers, so
 * the loops over them are unrolled: an index known only at run time would move them to memory.
 */
import { ENABLE_SUBGROUPS, IN_BOUNDS, type KernelForm, LISTED_TILE, PRELUDE, RING_PLACE } from './prelude.ts';

/** Workgroup memory in bytes: `half` + `owners` + `fired` + `firedCount`. */
export const UPDATE_WORKGROUP_BYTES = 18 * 18 * 2 * 16 + 18 * 18 * 4 + 256 * 4 + 4;

const lines = (count: number, line: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => line(i)).join('\n');

/** Perceives channels 4 * quarter .. + 3 of the lane's cell, from `half`. */
const perceive = (quarter: number): string => {
  const at = (offset: string, mask: string) =>
    `select(vec4f(), half[(center ${offset}) * 2u + ${quarter % 2}u], (beside & ${mask}) != 0u)`;
  return `
    {
      let own = half[center * 2u + ${quarter % 2}u];
      let diagonal = ${at('+ RING + 1u', '256u')} - ${at('- RING - 1u', '1u')};
      let counter = ${at('- RING + 1u', '4u')} - ${at('+ RING - 1u', '64u')};
      let across = ${at('+ 1u', '32u')} - ${at('- 1u', '8u')};
      let down = ${at('+ RING', '128u')} - ${at('- RING', '2u')};
      p${quarter} = own;
      p${4 + quarter} = across * 0.25 + (diagonal + counter) * 0.125;
      p${8 + quarter} = down * 0.25 + (diagonal - counter) * 0.125;
    }`;
};

/** Defines `weight(at)`: vec4 `at` of the rules' weights. */
const weights = ({ halfWeights }: KernelForm): string =>
  halfWeights
    ? `
@group(0) @binding(6) var<storage, read> weights: array<vec2u>;

fn weight(at: u32) -> vec4f {
  return vec4f(unpack2x16float(weights[at].x), unpack2x16float(weights[at].y));
}`
    : `
@group(0) @binding(6) var<storage, read> weights: array<vec4f>;

fn weight(at: u32) -> vec4f { return weights[at]; }`;

/** Defines `placeAmongFired(fires)`: an index of `fired` for every lane that fires. All lanes must call it. */
const placeAmongFired = ({ subgroups }: KernelForm): string =>
  subgroups
    ? `
fn placeAmongFired(fires: bool) -> u32 {
  let before = subgroupExclusiveAdd(u32(fires));
  let count = subgroupAdd(u32(fires));
  var first = 0u;
  if (subgroupElect() && count > 0u) { first = atomicAdd(&firedCount, count); }
  return subgroupBroadcastFirst(first) + before;
}`
    : `
fn placeAmongFired(fires: bool) -> u32 {
  var place = 0u;
  if (fires) { place = atomicAdd(&firedCount, 1u); }
  return place;
}`;

export const update = (
  form: KernelForm,
): string => /* wgsl */ `${form.subgroups ? ENABLE_SUBGROUPS : ''}${PRELUDE}
@group(0) @binding(0) var<uniform> bank: Bank;
@group(0) @binding(1) var<storage, read> cells: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> next: array<vec4f>;
@group(0) @binding(3) var<storage, read> shore: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> words: array<u32>;
@group(0) @binding(5) var<storage, read> heads: array<u32>;
${weights(form)}
@group(0) @binding(7) var<storage, read> tables: array<u32>;
@group(0) @binding(8) var<storage, read> work: array<u32>;
${RING_PLACE}
${IN_BOUNDS}

/** Channels 0–7, later 8–15, of the tile and its ring: two vec4 per cell. */
var<workgroup> half: array<vec4f, 648>;
/** The owners plane of the tile and its ring. */
var<workgroup> owners: array<u32, 324>;
/** Cells that fire: index in the tile | owner in this step << 16. */
var<workgroup> fired: array<u32, 256>;
var<workgroup> firedCount: atomic<u32>;
${placeAmongFired(form)}

fn loadHalf(slot: u32, tile: u32, lane: u32, first: u32) {
  for (var ring = lane; ring < RING_CELLS; ring += 256u) {
    let place = placeOf(slot, tile, ring);
    if (place.neighbour == 4u) {
      let at = ((place.slot - bank.base) * CELLS + place.cell) * 4u + first;
      half[ring * 2u] = cells[at];
      half[ring * 2u + 1u] = cells[at + 1u];
    } else {
      // A page to the north shows its bottom row, to the south its top row, to the west its right column, to the east
      // its left column.
      let x = place.cell % SIDE;
      let y = place.cell / SIDE;
      var at = 2u * SIDE + y;
      if (place.neighbour < 3u) { at = SIDE + x; }
      else if (place.neighbour > 5u) { at = x; }
      else if (place.neighbour == 3u) { at = 3u * SIDE + y; }
      at = (place.slot * SHORE_CELLS + at) * 4u + first;
      half[ring * 2u] = shore[at];
      half[ring * 2u + 1u] = shore[at + 1u];
    }
  }
}

/** The same as \`cellHash\` of \`fire.ts\`. */
fn cellHash(x: u32, y: u32) -> u32 {
  var h = (work[WORK_RANDOM_SEED] ^ (work[WORK_STEP] * 0x9e3779b1u)) * 0x85ebca6bu;
  h = (h ^ (h >> 15u) ^ ((y << 16u) | x)) * 0xc2b2ae35u;
  h ^= h >> 16u;
  h *= 0x85ebca6bu;
  h ^= h >> 13u;
  h *= 0xc2b2ae35u;
  return h ^ (h >> 16u);
}

/** Whether the world's cell (x, y) lies in the organism's territory. */
fn mayLive(organism: u32, x: u32, y: u32) -> bool {
  let columns = tables[TABLE_ORGANISMS + organism * TABLE_ORGANISM_WORDS + TABLE_ORGANISM_COLUMNS];
  let rows = tables[TABLE_ORGANISMS + organism * TABLE_ORGANISM_WORDS + TABLE_ORGANISM_ROWS];
  return x >= (columns & 0xffffu) && x <= (columns >> 16u) && y >= (rows & 0xffffu) && y <= (rows >> 16u);
}

@compute @workgroup_size(256)
fn update(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  ${LISTED_TILE}
  for (var ring = lane; ring < RING_CELLS; ring += 256u) {
    let place = placeOf(slot, tile, ring);
    owners[ring] = words[place.slot * SLOT_WORDS + PLANE_OWNERS * CELLS + place.cell];
  }
  loadHalf(slot, tile, lane, 0u);
  if (lane == 0u) { atomicStore(&firedCount, 0u); }
  workgroupBarrier();

  // The cell's owner in this step: its own, else the owner of its most opaque neighbour that may live there.
  {
    let x = (tile % TILES_ACROSS) * TILE + lane % TILE;
    let y = (tile / TILES_ACROSS) * TILE + lane / TILE;
    let worldX = heads[slot * HEAD_WORDS + HEAD_X] * SIDE + x;
    let worldY = heads[slot * HEAD_WORDS + HEAD_Y] * SIDE + y;
    let center = (lane / TILE + 1u) * RING + lane % TILE + 1u;
    let own = owners[center];
    var organism = own & OWNER;
    if (organism == 0u && x < heads[slot * HEAD_WORDS + HEAD_COLUMNS] && y < heads[slot * HEAD_WORDS + HEAD_ROWS]) {
      var best = THRESHOLD;
      for (var n = 0u; n < 9u; n++) {
        let at = center + (n / 3u) * RING + n % 3u - RING - 1u;
        let alpha = half[at * 2u].w;
        let candidate = owners[at] & OWNER;
        if (candidate != 0u && alpha > best && mayLive(candidate, worldX, worldY)) {
          best = alpha;
          organism = candidate;
        }
      }
    }
    var isAlive = false;
    var isDisturbed = work[WORK_WAKE_NOW] != 0u;
    for (var n = 0u; n < 9u; n++) {
      let at = center + (n / 3u) * RING + n % 3u - RING - 1u;
      isAlive = isAlive || ((owners[at] & OWNER) == organism && half[at * 2u].w > THRESHOLD);
      isDisturbed = isDisturbed || (owners[at] & MOVED) != 0u;
    }
    isAlive = isAlive && organism != 0u;
    let isStill = isAlive && (own & STILL) != 0u && !isDisturbed;
    let rule = tables[TABLE_ORGANISMS + organism * TABLE_ORGANISM_WORDS + TABLE_ORGANISM_SLOT];
    let hash = cellHash(worldX, worldY);
    let fires = isAlive && !isStill && (hash >> 8u) < tables[rule * TABLE_RULE_WORDS + 2u];
    let place = placeAmongFired(fires);
    if (fires) {
      fired[place] = lane | (organism << 16u);
    } else {
      var claim = organism;
      if (isAlive) { claim |= PRE_ALIVE; }
      if (isStill) { claim |= STILL_NOW; }
      if (half[center * 2u].w > THRESHOLD) { claim |= OPAQUE_AFTER; }
      words[slot * SLOT_WORDS + PLANE_CLAIMS * CELLS + y * SIDE + x] = claim;
    }
  }
  let count = workgroupUniformLoad(&firedCount);
  if (count == 0u) { return; }

  let isWorking = lane < count;
  let cellInTile = fired[lane] & 0xffffu;
  let organism = fired[lane] >> 16u;
  let center = (cellInTile / TILE + 1u) * RING + cellInTile % TILE + 1u;
  var beside = 0u; // which of the 3x3 are the organism's own
  ${lines(12, (i) => `var p${i}: vec4f;`)}
  if (isWorking) {
    for (var n = 0u; n < 9u; n++) {
      let at = center + (n / 3u) * RING + n % 3u - RING - 1u;
      if ((owners[at] & OWNER) == organism) { beside |= 1u << n; }
    }
    ${perceive(0)}
    ${perceive(1)}
  }
  workgroupBarrier();
  loadHalf(slot, tile, lane, 2u);
  workgroupBarrier();
  if (!isWorking) { return; }
  ${perceive(2)}
  ${perceive(3)}

  let rule = tables[TABLE_ORGANISMS + organism * TABLE_ORGANISM_WORDS + TABLE_ORGANISM_SLOT] * TABLE_RULE_WORDS;
  var at = tables[rule];
  let hidden = tables[rule + 1u];
  var d0 = weight(at);
  var d1 = weight(at + 1u);
  var d2 = weight(at + 2u);
  var d3 = weight(at + 3u);
  at += WEIGHTS_HEAD;
  // Four hidden units at a time. All lanes read the same weight; sums are in the reference's order.
  for (var unit = 0u; unit < hidden; unit += 4u) {
    var h = weight(at);
    ${lines(48, (i) => `h += weight(at + ${1 + i}u) * p${i >> 2}.${'xyzw'[i & 3]};`)}
    h = max(h, vec4f());
    ${lines(16, (i) => `d${i & 3} += weight(at + ${49 + i}u) * h.${'xyzw'[i >> 2]};`)}
    at += WEIGHTS_GROUP;
  }

  let cell = ((tile / TILES_ACROSS) * TILE + cellInTile / TILE) * SIDE + (tile % TILES_ACROSS) * TILE + cellInTile % TILE;
  var claim = organism | PRE_ALIVE;
  let rest = vec4f(bitcast<f32>(work[WORK_REST]));
  if (all(abs(d0) <= rest) && all(abs(d1) <= rest) && all(abs(d2) <= rest) && all(abs(d3) <= rest)) {
    claim |= STILL_NOW;
    if (p0.w > THRESHOLD) { claim |= OPAQUE_AFTER; }
  } else {
    claim |= MOVED_NOW;
    d0 += p0;
    d1 += p1;
    d2 += p2;
    d3 += p3;
    if (work[WORK_BOUNDS] != 0u) {
      if (areFinite(d0) && areFinite(d1) && areFinite(d2) && areFinite(d3)) {
        d0 = clamped(d0);
        d1 = clamped(d1);
        d2 = clamped(d2);
        d3 = clamped(d3);
      } else {
        claim &= ~PRE_ALIVE; // it dies in \`settle\`, even beside opaque cells
        d0 = vec4f();
      }
    }
    if (d0.w > THRESHOLD) { claim |= OPAQUE_AFTER; }
    let to = ((slot - bank.base) * CELLS + cell) * 4u;
    next[to] = d0;
    next[to + 1u] = d1;
    next[to + 2u] = d2;
    next[to + 3u] = d3;
  }
  words[slot * SLOT_WORDS + PLANE_CLAIMS * CELLS + cell] = claim;
}
`;
