/** A button for what cannot be undone: the first press asks, the second does it. */

import { h } from '../dom.ts';

/** The question goes away after this. */
const ASK_MS = 4_000;

export function sureButton(text: string, question: string, press: () => void): HTMLButtonElement {
  const element = h('button', { class: 'plain', type: 'button' }, text);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const ask = (isAsking: boolean): void => {
    clearTimeout(timer);
    element.textContent = isAsking ? question : text;
    element.toggleAttribute('data-sure', isAsking);
    if (isAsking) timer = setTimeout(() => ask(false), ASK_MS);
  };
  element.addEventListener('click', () => {
    const isSure = element.hasAttribute('data-sure');
    ask(!isSure);
    if (isSure) press();
  });
  element.addEventListener('blur', () => ask(false));
  return element;
}
