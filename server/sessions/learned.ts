/** What the rules in force have learned from sessions. The answer is kept, so that a crowd of players asks once. */
import { figuresFault, MAX_LEARNED } from '../../shared/learned.ts';
import type { LearnedMessage, LearnedRule } from '../../shared/protocol.ts';
import { labelOf, type Registry } from '../rules/registry.ts';

/** Largest age of the answer that a new player gets. */
const FRESH_MS = 5_000;

export interface LearnedOptions {
  /** @throws RegistryError, RuleError */
  readonly ask: <T>(question: (registry: Registry) => T) => Promise<T>;
  /** Id of the newest session that hurt a body; null: there is none. */
  readonly lastSession: () => Promise<string | null>;
  /** Gets what the operator should read. */
  readonly log: (text: string) => void;
  /** Milliseconds of a monotonic clock. */
  readonly now?: () => number;
}

export class LearnedBoard {
  readonly #options: LearnedOptions;
  readonly #now: () => number;
  #message: Promise<LearnedMessage> | null = null;
  #last: LearnedMessage = { rules: [] };
  #readMs = Number.NEGATIVE_INFINITY;
  #lastLine = '';

  constructor(options: LearnedOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /** Never throws: while the registry fails, the last answer is sent. */
  message(): Promise<LearnedMessage> {
    if (this.#message === null || this.#now() - this.#readMs >= FRESH_MS) {
      this.#readMs = this.#now();
      this.#message = this.#read();
    }
    return this.#message;
  }

  async #read(): Promise<LearnedMessage> {
    try {
      const last = await this.#options.lastSession();
      const { rules, faults } = await this.#options.ask((registry) => learnedRules(registry, last));
      this.#last = { rules };
      this.#log(faults.join('; '));
    } catch (error) {
      this.#log((error as Error).message);
    }
    return this.#last;
  }

  /** Logs the same error once. */
  #log(text: string): void {
    if (text !== '' && text !== this.#lastLine) this.#options.log(`learned: ${text}`);
    this.#lastLine = text;
  }
}

/** The rules in force that were tuned on a session, newest first. */
function learnedRules(
  registry: Registry,
  lastSession: string | null,
): { readonly rules: LearnedRule[]; readonly faults: string[] } {
  const rules: LearnedRule[] = [];
  const faults: string[] = [];
  for (const [species, rule] of registry.inForce()) {
    const { learned } = rule.metrics;
    if (rule.origin !== 'tuned' || learned === undefined) continue;
    const fault = figuresFault(learned);
    if (fault !== null) {
      faults.push(`${labelOf(rule)}: ${fault}`);
      continue;
    }
    const { session, wounds, recoveryBefore, recoveryAfter, stepsBefore, stepsAfter } =
      learned as LearnedRule;
    rules.push({
      species,
      label: labelOf(rule),
      since: registry.swap(rule.swap).created,
      session,
      isLastSession: session === lastSession,
      wounds,
      recoveryBefore,
      recoveryAfter,
      stepsBefore,
      stepsAfter,
    });
  }
  rules.sort((a, b) => (a.since < b.since ? 1 : -1));
  return { rules: rules.slice(0, MAX_LEARNED), faults };
}
