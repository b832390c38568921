/**
 * Reads the part of YAML that `compose.yaml` is written in: maps and lists by indent or in brackets, anchors, `<<`, plain
 * and quoted text. Anything else is an error, so that nothing is read as what it is not. Numbers and `true` stay text.
 */
export type Yaml = string | readonly Yaml[] | { readonly [key: string]: Yaml };

interface Line {
  readonly number: number;
  readonly indent: number;
  readonly text: string;
}

const KEY = /^([\w.<>-]+):(?:\s+(.*))?$/;

/** @throws Error that names the line */
export function readYaml(text: string): Yaml {
  const lines = text.split('\n').flatMap((line, i): Line[] => {
    const bare = withoutComment(line).trimEnd();
    const indent = bare.length - bare.trimStart().length;
    return bare === '' ? [] : [{ number: i + 1, indent, text: bare.trimStart() }];
  });
  return new Reader(lines).read();
}

class Reader {
  readonly #lines: readonly Line[];
  readonly #anchors = new Map<string, Yaml>();
  #at = 0;

  constructor(lines: readonly Line[]) {
    this.#lines = lines;
  }

  read(): Yaml {
    const all = this.#map(0);
    if (this.#at < this.#lines.length) throw this.#fault('is not of this map');
    return all;
  }

  #fault(what: string): Error {
    const { number, text } = this.#lines[Math.min(this.#at, this.#lines.length - 1)];
    return new Error(`line ${number}: "${text}" ${what}`);
  }

  #map(indent: number): Yaml {
    const map: Record<string, Yaml> = {};
    const merged: Yaml[] = [];
    for (; this.#lines.at(this.#at)?.indent === indent; ) {
      const [, key, rest = ''] = KEY.exec(this.#lines[this.#at].text) ?? [];
      if (key === undefined) throw this.#fault('is not a key');
      if (Object.hasOwn(map, key)) throw this.#fault('is there twice');
      const [, anchor, said = ''] = /^&(\w+)\s*(.*)$/.exec(rest) ?? [undefined, undefined, rest];
      const value = said === '' ? this.#below(indent) : this.#flow(said);
      if (said !== '') this.#at++;
      if (anchor !== undefined) this.#anchors.set(anchor, value);
      if (key === '<<') merged.push(value);
      else map[key] = value;
    }
    return Object.assign({}, ...merged, map) as Yaml;
  }

  /** What stands under a key; an empty text when nothing does. */
  #below(indent: number): Yaml {
    this.#at++;
    const next = this.#lines.at(this.#at);
    return next === undefined || next.indent <= indent ? '' : this.#map(next.indent);
  }

  #flow(text: string): Yaml {
    const alias = /^\*(\w+)$/.exec(text)?.[1];
    if (alias !== undefined) {
      const value = this.#anchors.get(alias);
      if (value === undefined) throw this.#fault('names an anchor that is not there');
      return value;
    }
    if (/^[[{]/.test(text)) {
      const end = text[0] === '[' ? ']' : '}';
      if (!text.endsWith(end)) throw this.#fault(`does not end in ${end}`);
      const parts = splitFlow(text.slice(1, -1));
      if (text[0] === '[') return parts.map((part) => this.#flow(part));
      return Object.fromEntries(
        parts.map((part) => {
          const [, key, value = ''] = KEY.exec(part) ?? [];
          if (key === undefined) throw this.#fault('is not a map');
          return [key, this.#flow(value)];
        }),
      );
    }
    const quoted = /^"([^"\\]*)"$|^'([^']*)'$/.exec(text);
    if (quoted !== null) return quoted[1] ?? quoted[2];
    // What would be of another kind, or go on in the next line.
    if (/^[>|&!%@`"']|^- |: |\t/.test(text)) throw this.#fault('is of a kind that is not read');
    return text;
  }
}

/** A hash begins a comment at the start, or after a space, outside quotes. */
function withoutComment(line: string): string {
  let quote = '';
  for (const [i, letter] of [...line].entries()) {
    if (quote !== '') quote = letter === quote ? '' : quote;
    else if (letter === '"' || letter === "'") quote = letter;
    else if (letter === '#' && (i === 0 || line[i - 1] === ' ')) return line.slice(0, i);
  }
  return line;
}

/** At commas that are outside quotes and brackets. */
function splitFlow(text: string): string[] {
  const parts: string[] = [''];
  let depth = 0;
  let quote = '';
  for (const letter of text) {
    if (quote !== '') quote = letter === quote ? '' : quote;
    else if (letter === '"' || letter === "'") quote = letter;
    else if ('[{'.includes(letter)) depth++;
    else if (']}'.includes(letter)) depth--;
    if (letter === ',' && depth === 0 && quote === '') parts.push('');
    else parts[parts.length - 1] += letter;
  }
  return parts.map((part) => part.trim()).filter((part) => part !== '');
}
