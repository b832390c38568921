/** The trainer's random numbers: one small generator (sfc32, Doty-Humphrey, public domain) whose state is saved. */

export interface RandomState {
  a: number;
  b: number;
  c: number;
  counter: number;
}

export class Random {
  state: RandomState;

  constructor(randomSeed: number | RandomState) {
    if (typeof randomSeed === 'object') {
      this.state = { ...randomSeed };
      return;
    }
    this.state = { a: 0x9e3779b9, b: 0x243f6a88, c: randomSeed >>> 0, counter: 1 };
    for (let i = 0; i < 15; i++) this.uint32();
  }

  uint32(): number {
    const s = this.state;
    const sum = (((s.a + s.b) | 0) + s.counter) | 0;
    s.counter = (s.counter + 1) | 0;
    s.a = s.b ^ (s.b >>> 9);
    s.b = (s.c + (s.c << 3)) | 0;
    s.c = (((s.c << 21) | (s.c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** 0 <= x < 1 */
  unit(): number {
    return this.uint32() / 0x100000000;
  }

  /** low <= x < high */
  between(low: number, high: number): number {
    return low + (high - low) * this.unit();
  }

  /** low <= n <= high, whole */
  whole(low: number, high: number): number {
    return low + Math.floor(this.unit() * (high - low + 1));
  }

  /** Mean 0, deviation 1 (Box and Muller; one of the pair is dropped). */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.unit())) * Math.cos(2 * Math.PI * this.unit());
  }
}
