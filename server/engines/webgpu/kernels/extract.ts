/** Reads the cells of a rectangle: owners, or one organism's RGBA. One invocation per cell and bank. */
import { PRELUDE } from './prelude.ts';

export const EXTRACT = /* wgsl */ `${PRELUDE}
/** The rectangle's cells from (x, y) on, which may be negative; \`organism\` 0 asks for owners. */
struct Question { x: i32, y: i32, width: u32, height: u32, organism: u32, pageX: i32, pageY: i32, pagesAcross: u32 }

@group(0) @binding(0) var<uniform> bank: Bank;
@group(0) @binding(1) var<uniform> question: Question;
@group(0) @binding(2) var<storage, read> cells: array<vec4f>;
@group(0) @binding(3) var<storage, read> words: array<u32>;
/** Slots of the pages under the rectangle, row-major from (pageX, pageY); 0 where none exists. */
@group(0) @binding(4) var<storage, read> slots: array<u32>;
@group(0) @binding(5) var<storage, read_write> answer: array<u32>;

@compute @workgroup_size(256)
fn extract(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= question.width * question.height) { return; }
  let x = question.x + i32(id.x % question.width);
  let y = question.y + i32(id.x / question.width);
  let page = u32((y >> 6u) - question.pageY) * question.pagesAcross + u32((x >> 6u) - question.pageX);
  let slot = slots[page];
  if (slot == 0u || slot < bank.base || slot >= bank.base + bank.pages) { return; }
  let cell = u32((y & 63) * 64 + (x & 63));
  let owner = words[slot * SLOT_WORDS + cell] & OWNER;
  if (question.organism == 0u) {
    answer[id.x] = owner;
  } else if (owner == question.organism) {
    let rgba = bitcast<vec4u>(cells[((slot - bank.base) * CELLS + cell) * 4u]);
    answer[id.x * 4u] = rgba.x;
    answer[id.x * 4u + 1u] = rgba.y;
    answer[id.x * 4u + 2u] = rgba.z;
    answer[id.x * 4u + 3u] = rgba.w;
  }
}
`;
