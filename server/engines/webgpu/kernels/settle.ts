/**
 * The alive mask after the update, and everything that follows from it: owners, cells, pixels, counts, and the tile's
 * record for the next step. One workgroup per tile.
 */
import {
  ENABLE_SUBGROUPS,
  type KernelForm,
  LISTED_TILE,
  PRELUDE,
  RING_PLACE,
  TO_PIXEL,
  WRITE_SHORE,
} from './prelude.ts';

export const SETTLE_WORKGROUP_BYTES = 18 * 18 * 4 + 5 * 4;

/**
 * Folds every lane's value into a word of the workgroup. All lanes must reach it.
 *
 * @param neutral - the value that does not change the word
 */
const fold = (
  { subgroups }: KernelForm,
  operation: 'Add' | 'Min' | 'Max' | 'Or',
  word: string,
  value: string,
  neutral: string,
): string => `{
    let folded = ${subgroups ? `subgroup${operation}(${value})` : value};
    if (${subgroups ? 'subgroupElect() && ' : ''}folded != ${neutral}) { atomic${operation}(&${word}, folded); }
  }`;

export const settle = (
  form: KernelForm,
): string => /* wgsl */ `${form.subgroups ? ENABLE_SUBGROUPS : ''}${PRELUDE}
@group(0) @binding(0) var<uniform> bank: Bank;
@group(0) @binding(1) var<storage, read_write> cells: array<vec4f>;
@group(0) @binding(2) var<storage, read> next: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> shore: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> words: array<u32>;
@group(0) @binding(5) var<storage, read> heads: array<u32>;
@group(0) @binding(6) var<storage, read_write> tiles: array<vec4u>;
@group(0) @binding(7) var<storage, read_write> tally: array<atomic<i32>>;
@group(0) @binding(8) var<storage, read> work: array<u32>;
${RING_PLACE}
${WRITE_SHORE}
${TO_PIXEL}

/** The claims plane of the tile and its ring. */
var<workgroup> claims: array<u32, 324>;
var<workgroup> opaque: atomic<u32>;
var<workgroup> leastOwner: atomic<u32>;
var<workgroup> greatestOwner: atomic<u32>;
var<workgroup> owned: atomic<u32>;
var<workgroup> flags: atomic<u32>;

const AWAKE = 256u;
const CHANGED = 512u;

@compute @workgroup_size(256)
fn settle(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  ${LISTED_TILE}
  for (var ring = lane; ring < RING_CELLS; ring += 256u) {
    let place = placeOf(slot, tile, ring);
    claims[ring] = words[place.slot * SLOT_WORDS + PLANE_CLAIMS * CELLS + place.cell];
  }
  if (lane == 0u) {
    atomicStore(&opaque, 0u);
    atomicStore(&leastOwner, OWNER);
    atomicStore(&greatestOwner, 0u);
    atomicStore(&owned, 0u);
    atomicStore(&flags, 0u);
  }
  workgroupBarrier();

  let column = lane % TILE;
  let row = lane / TILE;
  let cell = ((tile / TILES_ACROSS) * TILE + row) * SIDE + (tile % TILES_ACROSS) * TILE + column;
  let center = (row + 1u) * RING + column + 1u;
  let claim = claims[center];
  let organism = claim & OWNER;
  var isAlive = false;
  for (var n = 0u; n < 9u; n++) {
    let beside = claims[center + (n / 3u) * RING + n % 3u - RING - 1u];
    isAlive = isAlive || ((beside & OWNER) == organism && (beside & OPAQUE_AFTER) != 0u);
  }
  isAlive = isAlive && (claim & PRE_ALIVE) != 0u;

  let word = slot * SLOT_WORDS + cell;
  let before = words[word] & OWNER;
  let owner = select(0u, organism, isAlive);
  let isUpdated = isAlive && (claim & MOVED_NOW) != 0u;
  var found = 0u;
  if (isUpdated || (before != 0u && owner == 0u)) {
    let at = ((slot - bank.base) * CELLS + cell) * 4u;
    var a: vec4f; var b: vec4f; var c: vec4f; var d: vec4f;
    if (isUpdated) {
      a = next[at];
      b = next[at + 1u];
      c = next[at + 2u];
      d = next[at + 3u];
    }
    cells[at] = a;
    cells[at + 1u] = b;
    cells[at + 2u] = c;
    cells[at + 3u] = d;
    writeShore(slot, cell, a, b, c, d);
    let pixel = toPixel(a);
    if (words[word + PLANE_RGBA * CELLS] != pixel) {
      words[word + PLANE_RGBA * CELLS] = pixel;
      found |= CHANGED;
    }
  }
  if (owner != before) {
    if (before != 0u) { atomicSub(&tally[before], 1); }
    if (owner != 0u) { atomicAdd(&tally[owner], 1); }
  }
  var after = owner;
  if (isUpdated || owner != before) {
    after |= MOVED;
    found |= TILE_MOVED;
  }
  if (isAlive && (claim & STILL_NOW) != 0u) { after |= STILL; }
  words[word] = after;

  if ((claim | after) != 0u) { found |= TILE_BUSY; }
  if ((claim & (PRE_ALIVE | STILL_NOW)) == PRE_ALIVE) { found |= AWAKE; }
  // The cell fired and was not finite. If nobody owned it, nothing moved, but it may fire again.
  if ((claim & (PRE_ALIVE | MOVED_NOW)) == MOVED_NOW) { found |= AWAKE; }
  let isOpaque = isAlive && (claim & OPAQUE_AFTER) != 0u;
  ${fold(form, 'Or', 'flags', 'found', '0u')}
  ${fold(form, 'Add', 'owned', 'select(0u, 1u, isAlive)', '0u')}
  ${fold(form, 'Min', 'leastOwner', 'select(OWNER, owner, isAlive)', 'OWNER')}
  ${fold(form, 'Max', 'greatestOwner', 'owner', '0u')}
  ${fold(form, 'Or', 'opaque', 'select(0u, (1u << column) | (1u << (16u + row)), isOpaque)', '0u')}
  workgroupBarrier();
  if (lane != 0u) { return; }

  let all = atomicLoad(&flags);
  var kept = (all & (TILE_BUSY | TILE_MOVED)) | (tiles[slot * TILES + tile].z & TILE_UNREPORTED);
  if ((all & TILE_MOVED) != 0u) { kept |= TILE_UNREPORTED; }
  if ((all & (TILE_MOVED | AWAKE)) == 0u) { kept |= TILE_CALM; }
  let count = atomicLoad(&owned);
  let range = select(0u, atomicLoad(&leastOwner) | (atomicLoad(&greatestOwner) << 16u), count > 0u);
  tiles[slot * TILES + tile] = vec4u(atomicLoad(&opaque), range, kept, count);
  if ((all & CHANGED) != 0u) { atomicStore(&tally[TALLY_CHANGED + slot * TILES + tile], 1); }
}
`;
