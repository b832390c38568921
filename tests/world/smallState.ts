/** A state of a world that no engine has stepped, for tests of files. */
import type { WorldState } from '../../server/world/oldSave.ts';

/** Two pages with a few cells, one organism. */
export function stateAt(stepNumber: number): WorldState {
  const page = (index: number) => {
    const cells = new Float32Array(64 * 64 * 16);
    const owners = new Uint16Array(64 * 64);
    for (let cell = 100; cell < 140; cell++) {
      owners[cell] = 7;
      for (let c = 0; c < 16; c++) cells[cell * 16 + c] = Math.sin(cell * 16 + c + stepNumber);
    }
    return { page: index, cells, owners };
  };
  return {
    width: 256,
    height: 128,
    stepNumber,
    randomSeed: 0xffff_ffff,
    runSeconds: 12.5,
    nextId: 8,
    organisms: [
      {
        id: 7,
        species: 'blob',
        x: 40,
        y: 2,
        planter: 'Ää ✿',
        plantedStep: 3,
        plantedSeconds: 0.1,
        health: 0.75,
        history: [0, 0.5, 0.75],
      },
    ],
    pages: [page(0), page(5)],
  };
}
