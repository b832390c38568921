/** The field for the player's own name, which is optional. The server keeps it, and this browser as well. */
import { cutName, MAX_NAME_UNITS } from '../../shared/names.ts';
import type { HelloMessage, NamedMessage } from '../../shared/protocol.ts';
import { recall, remember } from '../remember.ts';

export class NameField {
  readonly #field: HTMLInputElement;
  readonly #rename: (name: string) => void;
  #sent = '';

  constructor(field: HTMLInputElement, rename: (name: string) => void) {
    this.#field = field;
    this.#rename = rename;
    field.maxLength = MAX_NAME_UNITS;
    field.value = recall('name') ?? '';
    field.addEventListener('change', () => this.#commit());
    field.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' || event.key === 'Escape') field.blur();
    });
  }

  /** Shows the name that the server knows; if the player has chosen none, it is asked for the remembered one. */
  greet({ name, isNameChosen }: Pick<HelloMessage, 'name' | 'isNameChosen'>): void {
    this.#sent = isNameChosen ? name : '';
    if (isNameChosen) this.#take(name);
    else {
      this.#field.placeholder = name === '' ? 'Your name' : name;
      this.#commit();
    }
  }

  /** Shows what became of the wish, which may be the name from before. */
  settle({ name, isChosen }: NamedMessage): void {
    this.#sent = isChosen ? name : '';
    if (isChosen) this.#take(name);
    else {
      this.#field.placeholder = name;
      this.#take('');
    }
  }

  #take(name: string): void {
    remember('name', name);
    // Who types on is not disturbed.
    if (document.activeElement !== this.#field) this.#field.value = name;
  }

  #commit(): void {
    const name = cutName(this.#field.value.trim());
    remember('name', name);
    // An empty name asks for the given one back, which makes sense only after another was sent.
    if (name === this.#sent) return;
    this.#sent = name;
    this.#rename(name);
  }
}
