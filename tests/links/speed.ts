/** What a world's admin does, at whatever process answers for it. */
import { expect } from 'vitest';

const JSON_TYPE = { 'Content-Type': 'application/json' };

/** @returns the cookie as a browser sends it back, and as the server has set it */
export async function logIn(url: string, token: string): Promise<{ cookie: string; setCookie: string }> {
  const body = JSON.stringify({ token });
  const login = await fetch(`${url}/admin/api/login`, { method: 'POST', headers: JSON_TYPE, body });
  expect(login.status).toBe(200);
  const setCookie = login.headers.get('set-cookie')!;
  return { cookie: setCookie.split(';')[0], setCookie };
}

export async function setSpeed(url: string, token: string, stepsPerSecond: number): Promise<void> {
  const { cookie } = await logIn(url, token);
  const answer = await fetch(`${url}/admin/api/world`, {
    method: 'POST',
    headers: { ...JSON_TYPE, Cookie: cookie },
    body: JSON.stringify({ kind: 'speed', stepsPerSecond }),
  });
  expect(answer.status).toBe(200);
}
