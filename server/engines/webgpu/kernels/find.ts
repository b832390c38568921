/**
 * `find` lists the active tiles, which have to be stepped: one invocation per tile of every existing page. `turn`
 * then makes dispatch arguments from their counts, and advances the step number.
 */
import { PRELUDE } from './prelude.ts';

export const FIND = /* wgsl */ `${PRELUDE}
@group(0) @binding(0) var<storage, read> pages: array<u32>;
@group(0) @binding(1) var<storage, read> heads: array<u32>;
@group(0) @binding(2) var<storage, read> tiles: array<vec4u>;
@group(0) @binding(3) var<storage, read_write> work: array<atomic<u32>>;
@group(0) @binding(4) var<uniform> bank: Bank;

/**
 * Whether the neighbour at (dx, dy) has an opaque cell on its side towards this tile. Rows and columns are checked
 * separately, so at corners the answer is sometimes true although no such cell is there.
 */
fn reaches(opaque: u32, dx: i32, dy: i32) -> bool {
  let columns = opaque & 0xffffu;
  let rows = opaque >> 16u;
  let facingColumns = select(select(columns, columns & 1u, dx > 0), columns >> (TILE - 1u), dx < 0);
  let facingRows = select(select(rows, rows & 1u, dy > 0), rows >> (TILE - 1u), dy < 0);
  return facingColumns != 0u && facingRows != 0u;
}

@compute @workgroup_size(256)
fn find(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= atomicLoad(&work[WORK_PAGES]) * TILES) { return; }
  let slot = pages[id.x / TILES];
  let tile = id.x % TILES;
  let own = tiles[slot * TILES + tile];
  let isBusy = (own.z & TILE_BUSY) != 0u;
  var isActive = isBusy && ((own.z & TILE_CALM) == 0u || atomicLoad(&work[WORK_WAKE]) != 0u);
  for (var n = 0; n < 9 && !isActive; n++) {
    let dx = n % 3 - 1;
    let dy = n / 3 - 1;
    if (n == 4) { continue; }
    let x = i32(tile % TILES_ACROSS) + dx;
    let y = i32(tile / TILES_ACROSS) + dy;
    let page = heads[slot * HEAD_WORDS + u32((1 + (y >> 2u)) * 3 + 1 + (x >> 2u))];
    let beside = tiles[page * TILES + u32((y & 3) * 4 + (x & 3))];
    // A calm tile wakes when a cell moved in a neighbour; an empty one when life reaches its border.
    isActive = select(reaches(beside.x, dx, dy), (beside.z & TILE_MOVED) != 0u, isBusy);
  }
  if (!isActive) { return; }
  let number = slot / bank.pages;
  let place = atomicAdd(&work[WORK_FOUND + number], 1u);
  atomicStore(&work[WORK_LIST + number * bank.pages * TILES + place], slot * TILES + tile);
}
`;

export const TURN = /* wgsl */ `${PRELUDE}
@group(0) @binding(0) var<storage, read_write> work: array<u32>;
@group(0) @binding(1) var<storage, read_write> dispatches: array<u32>;

@compute @workgroup_size(1)
fn turn() {
  for (var bank = 0u; bank < work[WORK_BANKS]; bank++) {
    let count = work[WORK_FOUND + bank];
    work[WORK_ACTIVE + bank] = count;
    work[WORK_FOUND + bank] = 0u;
    dispatches[bank * ARGS_WORDS] = min(count, DISPATCH_ROW);
    dispatches[bank * ARGS_WORDS + 1u] = (count + DISPATCH_ROW - 1u) / DISPATCH_ROW;
    dispatches[bank * ARGS_WORDS + 2u] = 1u;
  }
  work[WORK_STEP] = work[WORK_NEXT_STEP];
  work[WORK_NEXT_STEP] += 1u;
  work[WORK_WAKE_NOW] = work[WORK_WAKE];
  work[WORK_WAKE] = 0u;
}
`;
