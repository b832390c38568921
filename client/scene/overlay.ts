/**
 * Everything that is drawn over the cells: seeds that wait, ghosts of strokes, the brush's ring with the budget, the silhouette of the
 * seed in hand, other players' cursors, the frame around the watched organism. One 2D canvas.
 */
import type { Point, Size } from '../../shared/geometry.ts';
import type { Ghost, Ghosts } from '../hands/ghosts.ts';
import type { Watched } from '../hands/inspector.ts';
import type { Planting } from '../hands/planting.ts';
import type { ToolId } from '../hands/tools.ts';
import type { Palette } from '../style/theme.ts';
import { type Camera, cellToScreen } from './camera.ts';
import { drawLabel, type LabelRoom } from './label.ts';
import type { Player } from './players.ts';
import type { SeedSign } from './seeds.ts';
import { Silhouette } from './silhouette.ts';

export interface Ring {
  /** Pixels; null when the tool would act nowhere. */
  readonly at: Point | null;
  readonly tool: ToolId;
  /** Cells. */
  readonly radius: number;
  /** The available share of the budget: 0..1. */
  readonly budget: number;
  readonly isDown: boolean;
}

const TAU = Math.PI * 2;
/** Least pixels from the middle of the watched organism to its frame, at any zoom. */
const MIN_FRAME = 11;
/** Pixels per rem/16 from a seed to the ring around it. */
const SEED_RING = 10;
/** Pixels per cell from which seeds have rings. */
const MIN_RING_ZOOM = 0.9;

export class Overlay {
  readonly #canvas: HTMLCanvasElement;
  readonly #paper: CanvasRenderingContext2D;
  readonly #silhouette: Silhouette;
  #view: Size = { width: 1, height: 1 };
  #camera: Camera = { x: 0, y: 0, zoom: 1 };
  #palette: Palette;
  /** Pixels per rem: labels and cursors grow with the page's type. */
  #em = 16;
  #font = '';

  /** @param refresh - called when a picture has been loaded, so that the overlay is drawn again */
  constructor(canvas: HTMLCanvasElement, palette: Palette, refresh: () => void) {
    this.#canvas = canvas;
    this.#silhouette = new Silhouette(refresh);
    this.#paper = canvas.getContext('2d') as CanvasRenderingContext2D;
    this.#palette = palette;
  }

  resize(view: Size, pixelRatio: number): void {
    this.#view = view;
    this.#canvas.width = Math.round(view.width * pixelRatio);
    this.#canvas.height = Math.round(view.height * pixelRatio);
    this.#em = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
    this.#font = `600 12px ${getComputedStyle(document.body).fontFamily}`;
    this.#paper.setTransform(pixelRatio, 0, 0, pixelRatio, 0, 0);
  }

  paint(palette: Palette): void {
    this.#palette = palette;
  }

  begin(camera: Camera): void {
    this.#camera = camera;
    this.#paper.clearRect(0, 0, this.#view.width, this.#view.height);
  }

  ghosts(ghosts: Ghosts, now: number): void {
    for (const ghost of ghosts.list) this.#ghost(ghost, ghosts.opacity(ghost, now));
    this.#paper.globalAlpha = 1;
  }

  /**
   * A seed, and a ring around it that closes until it grows.
   *
   * @param isStill - the ring does not move
   */
  seeds(signs: readonly SeedSign[], isStill: boolean): void {
    const paper = this.#paper;
    const { accent, ink, halo } = this.#palette;
    const scale = this.#em / 16;
    // From far away only the seeds, smaller.
    const isNear = this.#camera.zoom >= MIN_RING_ZOOM;
    const radius = SEED_RING * scale;
    paper.font = this.#font;
    paper.textBaseline = 'middle';
    paper.textAlign = 'left';
    for (const { x, y, seconds, share } of signs) {
      const at = cellToScreen(this.#camera, this.#view, x + 0.5, y + 0.5);
      if (at.x < -80 || at.y < -40 || at.x > this.#view.width + 40 || at.y > this.#view.height + 40) continue;
      paper.fillStyle = accent;
      paper.globalAlpha = 0.9;
      paper.beginPath();
      paper.arc(at.x, at.y, (isNear ? 3 : 2) * scale, 0, TAU);
      paper.fill();
      if (!isNear) continue;
      paper.lineCap = 'round';
      paper.lineWidth = 2 * scale;
      paper.strokeStyle = accent;
      paper.globalAlpha = isStill ? 0.5 : 0.22;
      paper.beginPath();
      paper.arc(at.x, at.y, radius, 0, TAU);
      paper.stroke();
      if (!isStill) {
        paper.globalAlpha = 0.85;
        paper.beginPath();
        paper.arc(at.x, at.y, radius, -TAU / 4, -TAU / 4 + TAU * Math.max(0.005, share));
        paper.stroke();
      }
      if (seconds === 0) continue;
      const [left, middle] = [at.x + radius + 6 * scale, at.y + 0.5];
      paper.globalAlpha = 0.85;
      paper.lineWidth = 3 * scale;
      paper.lineJoin = 'round';
      paper.strokeStyle = halo;
      paper.strokeText(`${seconds} s`, left, middle);
      paper.fillStyle = ink;
      paper.fillText(`${seconds} s`, left, middle);
    }
    paper.globalAlpha = 1;
  }

  watched(watched: Watched | null): void {
    if (watched === null) return;
    const paper = this.#paper;
    const { zoom } = this.#camera;
    const middle = cellToScreen(this.#camera, this.#view, watched.x + 0.5, watched.y + 0.5);
    const halfWidth = Math.max(MIN_FRAME, (watched.size.width / 2 + 3) * zoom);
    const halfHeight = Math.max(MIN_FRAME, (watched.size.height / 2 + 3) * zoom);
    const arm = Math.max(6, Math.min(18, halfWidth * 0.3));
    paper.beginPath();
    for (const sx of [-1, 1]) {
      for (const sy of [-1, 1]) {
        const x = middle.x + sx * halfWidth;
        const y = middle.y + sy * halfHeight;
        paper.moveTo(x - sx * arm, y);
        paper.arcTo(x, y, x, y - sy * arm, arm * 0.5);
        paper.lineTo(x, y - sy * arm);
      }
    }
    paper.lineCap = 'round';
    paper.lineWidth = 2;
    paper.strokeStyle = this.#palette.accent;
    paper.globalAlpha = watched.isAsleep ? 0.4 : 0.75;
    paper.stroke();
    paper.globalAlpha = 1;
  }

  ring(ring: Ring): void {
    if (ring.at === null || ring.tool === 'hand' || ring.tool === 'plant') return;
    const paper = this.#paper;
    const { x, y } = ring.at;
    const radius = Math.max(2, ring.radius * this.#camera.zoom);
    const color = ring.tool === 'noise' ? this.#palette.noise : this.#palette.ink;
    paper.setLineDash(ring.tool === 'truncate' ? [6, 5] : []);
    paper.beginPath();
    paper.arc(x, y, radius, 0, TAU);
    paper.lineWidth = 4;
    paper.strokeStyle = this.#palette.halo;
    paper.stroke();
    paper.lineWidth = ring.isDown ? 2 : 1.5;
    paper.strokeStyle = color;
    paper.stroke();
    paper.setLineDash([]);
    this.#cooldown(x, y, radius + 5, ring.budget);
  }

  /** An arc that shows how much of the budget is available; hidden when the budget is full. */
  #cooldown(x: number, y: number, radius: number, share: number): void {
    if (share > 0.98) return;
    const paper = this.#paper;
    paper.lineCap = 'round';
    paper.lineWidth = 3;
    paper.strokeStyle = this.#palette.halo;
    paper.beginPath();
    paper.arc(x, y, radius, 0, TAU);
    paper.stroke();
    paper.strokeStyle = share < 0.15 ? this.#palette.danger : this.#palette.accent;
    paper.beginPath();
    paper.arc(x, y, radius, -TAU / 4, -TAU / 4 + TAU * Math.max(0.005, share));
    paper.stroke();
  }

  /**
   * Draws the seed in hand and the body that would grow from it.
   *
   * @param budget - the available share: 0..1
   * @param room - called only when there is a label to place
   */
  seedling(seed: Planting['shown'], budget: number, room: () => LabelRoom): void {
    if (seed === null) return;
    const paper = this.#paper;
    const palette = this.#palette;
    const { box, mark } = this.#silhouette.draw(paper, this.#camera, this.#view, seed, palette);
    this.#cooldown(mark.x + mark.width / 2, mark.y + mark.height / 2, mark.width * 0.7 + 6, budget);
    if (seed.reason === null) return;
    const type = { font: this.#font, scale: this.#em / 16, ink: palette.danger, paper: palette.halo };
    drawLabel(paper, seed.reason, box, room(), type);
  }

  cursors(players: Iterable<Player>): void {
    const paper = this.#paper;
    // The sizes below are for 16 pixels per rem, and scaled.
    const scale = this.#em / 16;
    paper.font = this.#font;
    paper.textBaseline = 'middle';
    for (const player of players) {
      if (player.shown === null) continue;
      const at = cellToScreen(this.#camera, this.#view, player.shown.x, player.shown.y);
      if (at.x < -160 || at.y < -40 || at.x > this.#view.width + 20 || at.y > this.#view.height + 20)
        continue;
      const color = playerColor(player.hue, this.#palette.isDark);
      paper.save();
      paper.translate(at.x, at.y);
      paper.scale(scale, scale);
      paper.fillStyle = color;
      paper.strokeStyle = this.#palette.halo;
      paper.lineWidth = 2;
      paper.lineJoin = 'round';
      paper.beginPath();
      paper.moveTo(0, 0);
      paper.lineTo(4.5, 15);
      paper.lineTo(7.5, 8.5);
      paper.lineTo(14, 6);
      paper.closePath();
      paper.stroke();
      paper.fill();
      if (player.name !== '') {
        const width = paper.measureText(player.name).width + 14;
        paper.beginPath();
        paper.roundRect(12, 14, width, 20, 10);
        paper.fill();
        paper.fillStyle = this.#palette.isDark ? '#0b1513' : '#ffffff';
        paper.fillText(player.name, 19, 24.5);
      }
      paper.restore();
    }
  }

  #ghost(ghost: Ghost, opacity: number): void {
    if (opacity <= 0) return;
    const paper = this.#paper;
    const { zoom } = this.#camera;
    const first = cellToScreen(this.#camera, this.#view, ghost.points[0], ghost.points[1]);
    const isSpot = ghost.tool === 'plant' || ghost.tool === 'truncate';
    const color = this.#ghostColor(ghost);
    paper.globalAlpha = opacity * (ghost.hue !== null ? 0.4 : ghost.isRefused ? 0.45 : ownStrength(ghost));
    if (isSpot) {
      // A ring that grows as it fades.
      const radius = (ghost.tool === 'plant' ? 2 : ghost.radius) * zoom + (1 - opacity) * 14;
      paper.beginPath();
      paper.arc(first.x, first.y, Math.max(5, radius), 0, TAU);
      paper.lineWidth = 2.5;
      paper.strokeStyle = color;
      paper.stroke();
      return;
    }
    paper.beginPath();
    paper.moveTo(first.x, first.y);
    // A very short line, so that a dab of one point is drawn as a round cap.
    paper.lineTo(first.x + 0.01, first.y);
    for (let i = 2; i < ghost.points.length; i += 2) {
      const at = cellToScreen(this.#camera, this.#view, ghost.points[i], ghost.points[i + 1]);
      paper.lineTo(at.x, at.y);
    }
    paper.lineCap = 'round';
    paper.lineJoin = 'round';
    paper.lineWidth = Math.max(2, ghost.radius * 2 * zoom);
    paper.strokeStyle = color;
    paper.stroke();
  }

  #ghostColor(ghost: Ghost): string {
    if (ghost.isRefused) return this.#palette.danger;
    if (ghost.hue !== null) return playerColor(ghost.hue, this.#palette.isDark);
    if (ghost.tool === 'ablate') return this.#palette.ground;
    return ghost.tool === 'noise' ? this.#palette.noise : this.#palette.accent;
  }
}

/** The eraser's ghost covers the cells at once; others only show where the stroke went. */
const ownStrength = (ghost: Ghost): number => (ghost.tool === 'ablate' ? 1 : 0.4);

export const playerColor = (hue: number, isDark: boolean): string =>
  isDark ? `hsl(${hue} 75% 70%)` : `hsl(${hue} 65% 38%)`;
