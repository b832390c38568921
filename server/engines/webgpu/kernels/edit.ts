/**
 * Edits pages between steps: seeds, perturbations, restored states. One workgroup per page applies the page's edits in
 * the order of the calls; no page reads another.
 */
import { IN_BOUNDS, PRELUDE, TO_PIXEL, WRITE_SHORE } from './prelude.ts';

export const EDIT = /* wgsl */ `${PRELUDE}
/** The edits of one page: records first .. first + count - 1. */
struct Visit { slot: u32, first: u32, count: u32, unused: u32 }

@group(0) @binding(0) var<uniform> bank: Bank;
@group(0) @binding(1) var<storage, read_write> cells: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> shore: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> words: array<u32>;
@group(0) @binding(4) var<storage, read_write> tiles: array<vec4u>;
@group(0) @binding(5) var<storage, read_write> tally: array<atomic<i32>>;
@group(0) @binding(6) var<storage, read> visits: array<Visit>;
@group(0) @binding(7) var<storage, read> records: array<u32>;
/** Noise to add, drawn on the CPU in float64 as in the reference, or channels to lay: 4 vec4 per cell. */
@group(0) @binding(8) var<storage, read> noises: array<vec4f>;
${WRITE_SHORE}
${TO_PIXEL}
${IN_BOUNDS}

var<workgroup> opaque: array<atomic<u32>, 16>;
var<workgroup> leastOwner: array<atomic<u32>, 16>;
var<workgroup> greatestOwner: array<atomic<u32>, 16>;
var<workgroup> owned: array<atomic<u32>, 16>;
var<workgroup> flags: array<atomic<u32>, 16>;

const CHANGED = 512u;

@compute @workgroup_size(256)
fn edit(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let visit = visits[group.x];
  let slot = visit.slot;
  if (slot < bank.base || slot >= bank.base + bank.pages) { return; }
  if (lane < TILES) {
    atomicStore(&opaque[lane], 0u);
    atomicStore(&leastOwner[lane], OWNER);
    atomicStore(&greatestOwner[lane], 0u);
    atomicStore(&owned[lane], 0u);
    atomicStore(&flags[lane], 0u);
  }
  workgroupBarrier();

  // A lane has its own cells, so that records follow each other without barriers.
  for (var cell = lane; cell < CELLS; cell += 256u) {
    let x = cell % SIDE;
    let y = cell / SIDE;
    let tile = (y / TILE) * TILES_ACROSS + x / TILE;
    let word = slot * SLOT_WORDS + cell;
    let at = ((slot - bank.base) * CELLS + cell) * 4u;
    let before = words[word] & OWNER;
    var owner = before;
    var counted = before;
    var a = cells[at];
    var b = cells[at + 1u];
    var c = cells[at + 2u];
    var d = cells[at + 3u];
    var isTouched = false;
    var isWoken = false;
    var found = 0u;
    for (var r = visit.first; r < visit.first + visit.count; r++) {
      let record = r * EDIT_WORDS;
      let kind = records[record];
      let span = records[record + EDIT_HEAD + 2u * y];
      let first = span & 0xffu;
      let isInside = (span & SPAN_VALID) != 0u && x >= first && x <= ((span >> 8u) & 0xffu);
      let isGone = (kind == EDIT_CLEAR && isInside && owner != 0u) ||
        (kind == EDIT_KEEP && !isInside && owner == records[record + 1u]);
      if (isGone) {
        owner = 0u;
        a = vec4f(); b = vec4f(); c = vec4f(); d = vec4f();
        isTouched = true;
      } else if (kind == EDIT_KEEP && owner == records[record + 1u] && owner != 0u) {
        isWoken = isWoken || records[record + EDIT_WAKES] != 0u;
      } else if (kind == EDIT_NOISE && isInside && owner != 0u && a.w > THRESHOLD) {
        let noise = (records[record + EDIT_HEAD + 2u * y + 1u] + x - first) * 4u;
        a += noises[noise];
        b += noises[noise + 1u];
        c += noises[noise + 2u];
        d += noises[noise + 3u];
        if (records[record + EDIT_BOUNDS] != 0u) {
          if (areFinite(a) && areFinite(b) && areFinite(c) && areFinite(d)) {
            a = clamped(a); b = clamped(b); c = clamped(c); d = clamped(d);
          } else {
            owner = 0u;
            a = vec4f(); b = vec4f(); c = vec4f(); d = vec4f();
          }
        }
        isTouched = true;
      } else if (kind == EDIT_PLANT && isInside) {
        owner = records[record + 1u];
        a = vec4f(0.0, 0.0, 0.0, 1.0);
        b = vec4f(1.0); c = vec4f(1.0); d = vec4f(1.0);
        isTouched = true;
      } else if (kind == EDIT_LAY && isInside && owner == 0u) {
        let laid = (records[record + EDIT_HEAD + 2u * y + 1u] + x - first) * 4u;
        owner = records[record + 1u];
        a = noises[laid];
        b = noises[laid + 1u];
        c = noises[laid + 2u];
        d = noises[laid + 3u];
        isTouched = true;
      } else if (kind == EDIT_INIT) {
        counted = 0u;
        isTouched = owner != 0u;
        found |= CHANGED;
      }
    }
    if (isTouched) {
      cells[at] = a;
      cells[at + 1u] = b;
      cells[at + 2u] = c;
      cells[at + 3u] = d;
      writeShore(slot, cell, a, b, c, d);
      words[word] = owner | MOVED;
      let pixel = toPixel(a);
      if (words[word + PLANE_RGBA * CELLS] != pixel) {
        words[word + PLANE_RGBA * CELLS] = pixel;
        found |= CHANGED;
      }
      if (owner != counted) {
        if (counted != 0u) { atomicSub(&tally[counted], 1); }
        if (owner != 0u) { atomicAdd(&tally[owner], 1); }
      }
      found |= TILE_BUSY | TILE_MOVED;
    } else if (isWoken) {
      words[word] = owner | MOVED;
      found |= TILE_MOVED;
    }
    if (found != 0u) { atomicOr(&flags[tile], found); }
    if (owner != 0u) {
      atomicAdd(&owned[tile], 1u);
      atomicMin(&leastOwner[tile], owner);
      atomicMax(&greatestOwner[tile], owner);
      if (a.w > THRESHOLD) { atomicOr(&opaque[tile], (1u << (x % TILE)) | (1u << (16u + y % TILE))); }
    }
  }
  workgroupBarrier();
  if (lane >= TILES) { return; }

  let found = atomicLoad(&flags[lane]);
  var kept = tiles[slot * TILES + lane].z | (found & (TILE_BUSY | TILE_MOVED));
  if ((found & TILE_MOVED) != 0u) { kept &= ~TILE_CALM; }
  let count = atomicLoad(&owned[lane]);
  let range = select(0u, atomicLoad(&leastOwner[lane]) | (atomicLoad(&greatestOwner[lane]) << 16u), count > 0u);
  tiles[slot * TILES + lane] = vec4u(atomicLoad(&opaque[lane]), range, kept, count);
  if ((found & CHANGED) != 0u) { atomicStore(&tally[TALLY_CHANGED + slot * TILES + lane], 1); }
}
`;
