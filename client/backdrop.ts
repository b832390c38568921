/**
 * The ground under the world: one full-screen rectangle whose shader draws paper or night, a grid of dots
 * that follows the camera, and the world's border. No textures, so it is sharp at every zoom.
 */
import { GlProgram, Mesh, MeshGeometry, Shader, UniformGroup } from 'pixi.js';
import type { Size } from '../shared/geometry.ts';
import type { Camera } from './camera.ts';
import type { Palette } from './theme.ts';

/** Dots stand this many CSS pixels apart, or up to twice as far. */
const DOT_SPACING = 26;

const vertex = `
in vec2 aPosition;
uniform mat3 uProjectionMatrix;
uniform mat3 uWorldTransformMatrix;
uniform mat3 uTransformMatrix;
out vec2 vPixel;
void main() {
  vPixel = aPosition;
  mat3 place = uProjectionMatrix * uWorldTransformMatrix * uTransformMatrix;
  gl_Position = vec4((place * vec3(aPosition, 1.0)).xy, 0.0, 1.0);
}`;

const fragment = `
precision highp float;
in vec2 vPixel;
out vec4 finalColor;
uniform vec4 uCamera;  // x, y of the cell at the middle; zoom; CSS pixels a dot radius
uniform vec4 uView;    // width, height of the view; of the world
uniform vec2 uGrid;    // cells between the finer dots; how faint these are, 0..1
uniform vec3 uGround;
uniform vec3 uDeep;
uniform vec3 uDot;
uniform vec3 uEdge;
uniform vec3 uOutside;

float dots(vec2 cell, float spacing) {
  vec2 off = (fract(cell / spacing + 0.5) - 0.5) * spacing * uCamera.z;
  return 1.0 - smoothstep(uCamera.w - 0.6, uCamera.w + 0.6, length(off));
}

void main() {
  vec2 cell = (vPixel - uView.xy * 0.5) / uCamera.z + uCamera.xy;
  // Distance to the border in CSS pixels; negative inside.
  vec2 beyond = abs(cell - uView.zw * 0.5) - uView.zw * 0.5;
  float border = max(beyond.x, beyond.y) * uCamera.z;

  vec2 fromMiddle = (vPixel / uView.xy - vec2(0.5, 0.42)) * vec2(1.0, 0.9);
  vec3 color = mix(uGround, uDeep, smoothstep(0.1, 0.85, length(fromMiddle)));
  float speck = max(dots(cell, uGrid.x * 2.0), dots(cell, uGrid.x) * uGrid.y);
  color = mix(color, uDot, speck);
  color = mix(color, uEdge, 0.16 * exp(min(border, 0.0) / 28.0));

  color = mix(color, uOutside, smoothstep(-0.5, 0.5, border));
  color = mix(color, uEdge, 1.0 - smoothstep(0.5, 1.5, abs(border)));
  // Half a level of noise: a slow gradient would show its steps.
  float grain = fract(sin(vPixel.x * 12.9898 + vPixel.y * 78.233) * 43758.5453) - 0.5;
  finalColor = vec4(color + grain / 255.0, 1.0);
}`;

export class Backdrop {
  readonly mesh: Mesh<MeshGeometry, Shader>;
  readonly #geometry: MeshGeometry;
  readonly #uniforms;
  readonly #world: Size;

  constructor(world: Size) {
    this.#world = world;
    this.#geometry = new MeshGeometry({
      positions: new Float32Array(8),
      uvs: new Float32Array(8),
      indices: new Uint32Array([0, 1, 2, 0, 2, 3]),
    });
    this.#uniforms = new UniformGroup({
      uCamera: { value: new Float32Array(4), type: 'vec4<f32>' },
      uView: { value: new Float32Array(4), type: 'vec4<f32>' },
      uGrid: { value: new Float32Array(2), type: 'vec2<f32>' },
      uGround: { value: new Float32Array(3), type: 'vec3<f32>' },
      uDeep: { value: new Float32Array(3), type: 'vec3<f32>' },
      uDot: { value: new Float32Array(3), type: 'vec3<f32>' },
      uEdge: { value: new Float32Array(3), type: 'vec3<f32>' },
      uOutside: { value: new Float32Array(3), type: 'vec3<f32>' },
    });
    const shader = new Shader({
      glProgram: GlProgram.from({ vertex, fragment, name: 'backdrop' }),
      resources: { backdrop: this.#uniforms },
    });
    this.mesh = new Mesh({ geometry: this.#geometry, shader });
    this.mesh.state.blend = false;
  }

  paint(palette: Palette): void {
    const { uniforms } = this.#uniforms;
    uniforms.uGround.set(palette.groundRgb);
    uniforms.uDeep.set(palette.groundDeepRgb);
    uniforms.uDot.set(palette.dotRgb);
    uniforms.uEdge.set(palette.edgeRgb);
    uniforms.uOutside.set(palette.outsideRgb);
    this.#uniforms.update();
  }

  place(camera: Camera, view: Size): void {
    const { positions } = this.#geometry;
    if (positions[2] !== view.width || positions[5] !== view.height) {
      const { width: w, height: h } = view;
      this.#geometry.positions = new Float32Array([0, 0, w, 0, w, h, 0, h]);
    }
    // The finer dots fade out as they come closer together, until their spacing doubles.
    const level = Math.log2(DOT_SPACING / camera.zoom);
    const finer = 2 ** Math.floor(level);
    const { uniforms } = this.#uniforms;
    uniforms.uCamera.set([camera.x, camera.y, camera.zoom, 1.1]);
    uniforms.uView.set([view.width, view.height, this.#world.width, this.#world.height]);
    uniforms.uGrid.set([finer, 1 - (level - Math.floor(level))]);
    this.#uniforms.update();
  }
}
