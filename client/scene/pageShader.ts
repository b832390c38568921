/**
 * The shader that draws pages. Each page is an instance of one square, placed in pages from a corner of the view, so
 * neighbours share exactly the same edges at any zoom. Cells are sharp, with an edge one pixel soft where they do not end
 * on whole pixels; averages (levels above 0) are smooth. WebGL 2.
 */
import { Buffer, BufferUsage, Geometry, GlProgram, Shader, type TextureSource, UniformGroup } from 'pixi.js';
import { PAGE_CELLS } from '../../shared/geometry.ts';

/** Per instance: x, y, size (in pages, from the corner), isSharp; u, v, span (texels of the page), row (of the strip). */
export const INSTANCE_FLOATS = 8;

const VERTEX = `#version 300 es
in vec2 aCorner;
in vec4 aPlace;
in vec4 aSource;
uniform vec2 uOrigin;
uniform vec2 uView;
uniform float uPage;
out vec2 vTexel;
flat out float vRow;
flat out float vSharp;
void main() {
  vec2 at = uOrigin + (aPlace.xy + aCorner * aPlace.z) * uPage;
  gl_Position = vec4(at / uView * vec2(2.0, -2.0) + vec2(-1.0, 1.0), 0.0, 1.0);
  vTexel = aSource.xy + aCorner * aSource.z;
  vRow = aSource.w;
  vSharp = aPlace.w > 0.0 ? max(1.0, aPlace.z * uPage / aSource.z) : 1.0;
}`;

const FRAGMENT = `#version 300 es
precision highp float;
in vec2 vTexel;
flat in float vRow;
flat in float vSharp;
uniform sampler2D uTexture;
uniform vec2 uStrip;
out vec4 pixel;
void main() {
  vec2 seam = floor(vTexel + 0.5);
  vec2 at = seam + clamp((vTexel - seam) * vSharp, -0.5, 0.5);
  // Texels of the page above or below in the strip must not be mixed in.
  at = clamp(at, 0.5, ${PAGE_CELLS}.0 - 0.5);
  pixel = texture(uTexture, (at + vec2(0.0, vRow)) / uStrip);
}`;

/** In device pixels; `uStrip` in texels. */
export type PageUniforms = UniformGroup<{
  uOrigin: { value: Float32Array; type: 'vec2<f32>' };
  uView: { value: Float32Array; type: 'vec2<f32>' };
  uStrip: { value: Float32Array; type: 'vec2<f32>' };
  uPage: { value: number; type: 'f32' };
}>;

export const createUniforms = (stripRows: number): PageUniforms =>
  new UniformGroup({
    uOrigin: { value: new Float32Array(2), type: 'vec2<f32>' },
    uView: { value: new Float32Array([1, 1]), type: 'vec2<f32>' },
    uStrip: { value: new Float32Array([PAGE_CELLS, stripRows]), type: 'vec2<f32>' },
    uPage: { value: PAGE_CELLS, type: 'f32' },
  });

let program: GlProgram | null = null;

export function createShader(source: TextureSource, uniforms: PageUniforms): Shader {
  program ??= new GlProgram({ name: 'pages', vertex: VERTEX, fragment: FRAGMENT });
  return new Shader({ glProgram: program, resources: { uTexture: source, pageUniforms: uniforms } });
}

const corners = new Buffer({
  data: new Float32Array([0, 0, 1, 0, 0, 1, 1, 1]),
  usage: BufferUsage.VERTEX,
  shrinkToFit: false,
});
const triangles = new Buffer({
  data: new Uint16Array([0, 1, 2, 2, 1, 3]),
  usage: BufferUsage.INDEX,
  shrinkToFit: false,
});

/** @param instances - [any number, INSTANCE_FLOATS]; the buffer uploads them from here */
export function createGeometry(instances: Float32Array): { geometry: Geometry; buffer: Buffer } {
  const buffer = new Buffer({ data: instances, usage: BufferUsage.VERTEX, shrinkToFit: false });
  const stride = INSTANCE_FLOATS * 4;
  const geometry = new Geometry({
    attributes: {
      aCorner: { buffer: corners, format: 'float32x2' },
      aPlace: { buffer, format: 'float32x4', stride, offset: 0, instance: true },
      aSource: { buffer, format: 'float32x4', stride, offset: 16, instance: true },
    },
    indexBuffer: triangles,
    instanceCount: 0,
  });
  return { geometry, buffer };
}
