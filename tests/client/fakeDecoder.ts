/** Stands in for the decoder: tests emit what its worker would report. */
import { vi } from 'vitest';
import { Signal } from '../../client/events.ts';
import type { Light } from '../../client/stream/messages.ts';

export class FakeDecoder {
  readonly decoded = new Signal<[frame: number]>();
  readonly gaps = new Signal<[keys: readonly number[]]>();
  readonly arrived = new Signal<[]>();
  readonly light = new Signal<[Light]>();
  readonly failed = new Signal<[reason: string]>();
  frames = 0;
  decodeMs = 0;
  joins = 0;
  readonly look = vi.fn();
  readonly askLight = vi.fn();
  readonly frame = vi.fn();
  readonly dispose = vi.fn();

  join(): void {
    this.joins++;
  }
}
