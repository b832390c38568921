/** Reports the state of each page to the CPU after steps or edits: 16 bytes per page. */
import { PRELUDE } from './prelude.ts';

export const STATUS = /* wgsl */ `${PRELUDE}
@group(0) @binding(0) var<storage, read> pages: array<u32>;
@group(0) @binding(1) var<storage, read_write> tiles: array<vec4u>;
@group(0) @binding(2) var<storage, read> tally: array<i32>;
@group(0) @binding(3) var<storage, read_write> report: array<vec4u>;
@group(0) @binding(4) var<storage, read> work: array<u32>;

@compute @workgroup_size(64)
fn status(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= work[WORK_PAGES]) { return; }
  let slot = pages[id.x];
  var flags = 0u;
  var owned = 0u;
  var least = 0xffffu;
  var greatest = 0u;
  var left = SIDE;
  var right = 0u;
  var top = SIDE;
  var bottom = 0u;
  for (var tile = 0u; tile < TILES; tile++) {
    let own = tiles[slot * TILES + tile];
    if ((own.z & TILE_BUSY) != 0u) { flags |= STATUS_BUSY; }
    if ((own.z & TILE_UNREPORTED) != 0u) {
      flags |= STATUS_MOVED;
      tiles[slot * TILES + tile].z = own.z & ~TILE_UNREPORTED;
    }
    if (tally[TALLY_CHANGED + slot * TILES + tile] != 0) { flags |= STATUS_CHANGED; }
    owned += own.w;
    if (own.w > 0u) {
      least = min(least, own.y & 0xffffu);
      greatest = max(greatest, own.y >> 16u);
    }
    if (own.x == 0u) { continue; }
    flags |= STATUS_OPAQUE;
    let x = (tile % TILES_ACROSS) * TILE;
    let y = (tile / TILES_ACROSS) * TILE;
    left = min(left, x + countTrailingZeros(own.x & 0xffffu));
    right = max(right, x + 31u - countLeadingZeros(own.x & 0xffffu));
    top = min(top, y + countTrailingZeros(own.x >> 16u));
    bottom = max(bottom, y + 31u - countLeadingZeros(own.x >> 16u));
  }
  report[id.x] = vec4u(
    flags | (owned << 8u),
    left | (top << 8u) | (right << 16u) | (bottom << 24u),
    select(0u, least | (greatest << 16u), owned > 0u),
    0u,
  );
}
`;
