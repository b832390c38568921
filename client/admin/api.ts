/** Requests to `/admin/api`. */
import { POLL_HEADER } from '../../shared/adminPeople.ts';

/** `message` is in the server's words. */
export class ApiError extends Error {
  override name = 'ApiError';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Relative to the page, which a proxy may serve under a path. */
const BASE = 'api/';

/** Whether the admin has touched the page since the last request: only then does a request keep them logged in. */
let hasActed = true;
for (const event of ['pointerdown', 'keydown', 'wheel', 'touchmove'])
  window.addEventListener(
    event,
    () => {
      hasActed = true;
    },
    { passive: true, capture: true },
  );

/** @throws ApiError when the server refuses, or does not answer (status 0) */
export async function ask<T>(method: string, path: string, body?: unknown): Promise<T> {
  const isFile = body instanceof Blob;
  const headers: Record<string, string> = hasActed ? {} : { [POLL_HEADER]: '1' };
  const init: RequestInit = { method, headers };
  if (isFile) init.body = body;
  else if (body !== undefined) {
    init.body = JSON.stringify(body);
    headers['Content-Type'] = 'application/json';
  }
  hasActed = false;
  let response: Response;
  try {
    response = await fetch(`${BASE}${path}`, init);
  } catch {
    throw new ApiError(0, 'the server does not answer');
  }
  const answer = (await response.json().catch(() => ({}))) as T & { readonly error?: string };
  if (!response.ok)
    throw new ApiError(response.status, answer.error ?? `the server answered with status ${response.status}`);
  return answer;
}

export const filmUrl = (rule: number): string => `${BASE}rules/${rule}/film.png`;
export const fileUrl = (rule: number): string => `${BASE}rules/${rule}/file`;
export const healingFilmUrl = (rule: number): string => `${BASE}tuner/films/${rule}.png`;
