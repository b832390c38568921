/** A line of the log for a person at a terminal: of which world it is, what it says, and of debug lines the facts. */

interface Line {
  readonly level: string;
  readonly time: string;
  readonly msg?: string;
  readonly world?: string;
  readonly error?: { readonly stack?: string; readonly message?: string };
}

/** @param json - one line as pino writes it */
export function textOf(json: string): string {
  const {
    level,
    time: _,
    msg = '',
    error,
    world,
    ...facts
  } = JSON.parse(json) as Line & Record<string, unknown>;
  const shown = level === 'debug' ? Object.entries(facts).map(([name, value]) => ` ${name}=${value}`) : [];
  const stack = error === undefined ? '' : ` ${error.stack ?? error.message}`;
  const of = world === undefined ? '' : `${world}: `;
  return `${printable(`${of}${msg}${stack}${shown.join('')}`)}\n`;
}

/** Without what would steer a terminal: a name that a visitor chose may be in a line. */
const printable = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  text.replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '?');
