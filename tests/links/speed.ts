/** Sets a world's speed as its admin does, at whatever process answers for it. */
import { expect } from 'vitest';

export async function setSpeed(url: string, token: string, stepsPerSecond: number): Promise<void> {
  const json = { 'Content-Type': 'application/json' };
  const body = JSON.stringify({ token });
  const login = await fetch(`${url}/admin/api/login`, { method: 'POST', headers: json, body });
  expect(login.status).toBe(200);
  const [cookie] = login.headers.get('set-cookie')!.split(';');
  const answer = await fetch(`${url}/admin/api/world`, {
    method: 'POST',
    headers: { ...json, Cookie: cookie },
    body: JSON.stringify({ kind: 'speed', stepsPerSecond }),
  });
  expect(answer.status).toBe(200);
}
