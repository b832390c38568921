/** Cells as paths of an SVG: one path per colour, of one run of cells per row. */

/** @param colourAt - null: nothing is drawn there */
export function cellPaths(
  width: number,
  height: number,
  colourAt: (x: number, y: number) => string | null,
): string {
  const runs = new Map<string, string>();
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; ) {
      const colour = colourAt(x, y);
      let end = x + 1;
      while (end < width && colourAt(end, y) === colour) end++;
      if (colour !== null) runs.set(colour, `${runs.get(colour) ?? ''}M${x} ${y}h${end - x}v1h${x - end}z`);
      x = end;
    }
  }
  return Array.from(runs, ([colour, d]) => `<path fill="${colour}" d="${d}"/>`).join('');
}
