/** Metrics of several sources in one text: each source's series get labels of its own. */

/** In Prometheus' text format. */
export interface MetricsText {
  /** Added to each series. */
  readonly labels: Readonly<Record<string, string>>;
  readonly text: string;
}

/** `name{labels} value`, or without labels. */
const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? ([^ ]+)$/;
const HEAD = /^# (?:HELP|TYPE) ([a-zA-Z_:][\w:]*) /;

/**
 * The series of a metric stand together, under one head. Lines that are neither a head nor a series are left out.
 *
 * @param sources - where they differ about a head, the first counts
 */
export function metricsTogether(sources: readonly MetricsText[]): string {
  const families = new Map<string, { readonly head: string[]; readonly samples: string[] }>();
  for (const { labels, text } of sources) {
    const added = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
    const seen = new Set<string>();
    let family: { readonly head: string[]; readonly samples: string[] } | null = null;
    for (const line of text.split('\n')) {
      const [, name] = HEAD.exec(line) ?? [];
      if (name !== undefined) {
        const known = families.get(name);
        family = known ?? { head: [], samples: [] };
        if (known === undefined) seen.add(name);
        families.set(name, family);
        if (seen.has(name)) family.head.push(line);
        continue;
      }
      const [, series, own, value] = SAMPLE.exec(line) ?? [];
      if (series === undefined || family === null) continue;
      const all = own === undefined || own === '' ? added : [own, ...added];
      family.samples.push(`${series}${all.length === 0 ? '' : `{${all.join(',')}}`} ${value}`);
    }
  }
  const lines = Array.from(families.values(), ({ head, samples }) => [...head, ...samples].join('\n'));
  return `${lines.join('\n\n')}\n`;
}

const escaped = (value: string): string =>
  value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
