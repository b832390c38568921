/** The field for the player's own name, which is optional and kept in this browser. */
import { MAX_NAME_LENGTH } from '../../shared/limits.ts';
import { recall, remember } from '../remember.ts';

export class NameField {
  readonly #field: HTMLInputElement;
  readonly #rename: (name: string) => void;
  #sent = '';

  constructor(field: HTMLInputElement, rename: (name: string) => void) {
    this.#field = field;
    this.#rename = rename;
    field.maxLength = MAX_NAME_LENGTH;
    field.value = recall('name') ?? '';
    field.addEventListener('change', () => this.#commit());
    field.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' || event.key === 'Escape') field.blur();
    });
  }

  /** Shows the name that the server has given, and sends the remembered one if there is one. */
  greet(given: string): void {
    this.#field.placeholder = given === '' ? 'Your name' : given;
    this.#sent = '';
    this.#commit();
  }

  #commit(): void {
    const name = this.#field.value.trim().slice(0, MAX_NAME_LENGTH);
    remember('name', name);
    // An empty name asks for the given one back, which makes sense only after another was sent.
    if (name === this.#sent) return;
    this.#sent = name;
    this.#rename(name);
  }
}
