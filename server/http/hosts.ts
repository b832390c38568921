/**
 * Under which names this server answers, and which pages may use it. A page of another site can give a name of its own
 * the server's address (DNS rebinding); its browser then takes the two for one site. So a name that anybody can register
 * counts only if the operator has named it with `--public-url`.
 */
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { hostname } from 'node:os';

export interface HostOptions {
  /** Where the world finds the page: origin and path, ending in a slash; empty: nobody has said. */
  readonly publicUrl: string;
  /** A proxy in front sets `X-Forwarded-Host` and `X-Forwarded-Proto`. */
  readonly trustForwarded: boolean;
  /** What the machine calls itself. */
  readonly machine?: string;
}

/** Names that no registry gives away: RFC 6761, 6762 and 8375, and what ICANN has reserved. */
const PRIVATE_NAME = /(?:^|\.)(?:localhost|local|internal|home\.arpa)$/;
/** Balancers ask for it by address; it tells a stranger nothing that the page does not. */
const HEALTH_PATH = /^\/healthz(?:\?|$)/;

export class Hosts {
  readonly #public: URL | null;
  readonly #trustForwarded: boolean;
  readonly #machine: string;

  constructor({ publicUrl, trustForwarded, machine = hostname() }: HostOptions) {
    this.#public = publicUrl === '' ? null : new URL(publicUrl);
    this.#trustForwarded = trustForwarded;
    this.#machine = machine.toLowerCase();
  }

  /** Why a request under this name is refused, for the person who typed it; null: it is answered. */
  refusal(request: IncomingMessage): string | null {
    if (HEALTH_PATH.test(request.url ?? '')) return null;
    const host = this.#hostOf(request);
    if (host === null) return 'Host is not the name of a host';
    if (this.#public !== null) {
      if (hostIn(host, this.#public.protocol) === this.#public.host || isLoopback(host.hostname)) return null;
      return `this server answers as ${this.#public.host} (--public-url), not as ${host.host}`;
    }
    if (isAddress(host.hostname) || this.#isPrivate(host.hostname)) return null;
    return `this server does not know the name ${host.host}; if it is the server's, start it with --public-url http://${host.host}/ (or https)`;
  }

  /** False for a request from another site's page. Browsers send the Origin; other programs send none, and pass. */
  isOwnOrigin(request: IncomingMessage): boolean {
    const { origin } = request.headers;
    if (origin === undefined) return true;
    const from = URL.parse(origin);
    const host = this.#hostOf(request);
    if (from === null || host === null) return false;
    // The scheme is not compared for a name of ours: a proxy may speak TLS without saying so.
    if (this.#public === null || isLoopback(host.hostname)) return from.host === hostIn(host, from.protocol);
    return from.origin === this.#public.origin;
  }

  /** True if the browser speaks TLS, as far as the operator or a trusted proxy says. */
  isSecure(request: IncomingMessage): boolean {
    if (this.#trustForwarded && request.headers['x-forwarded-proto'] === 'https') return true;
    if (this.#public?.protocol !== 'https:') return false;
    // On the machine itself, or through a tunnel to it, nobody speaks TLS.
    const host = this.#hostOf(request);
    return host !== null && !isLoopback(host.hostname);
  }

  /** @returns a request's URL without the path of `--public-url`, which a proxy may leave in */
  localUrl(url: string): string {
    const prefix = this.#public?.pathname ?? '/';
    return prefix !== '/' && url.startsWith(prefix) ? url.slice(prefix.length - 1) : url;
  }

  #hostOf(request: IncomingMessage): URL | null {
    const forwarded = this.#trustForwarded ? request.headers['x-forwarded-host'] : undefined;
    const text = (typeof forwarded === 'string' ? forwarded.split(',').at(-1) : undefined)?.trim();
    const host = text || (request.headers.host ?? '');
    return /^[^/\\?#@\s]+$/.test(host) ? URL.parse(`http://${host}`) : null;
  }

  /** A name that only this machine or its own network can give away: also one without a dot, which is no domain. */
  #isPrivate(name: string): boolean {
    const bare = name.replace(/\.$/, '');
    return !bare.includes('.') || PRIVATE_NAME.test(bare) || bare === this.#machine;
  }
}

const isAddress = (name: string): boolean => isIP(name.replace(/^\[(.*)\]$/, '$1')) !== 0;

const isLoopback = (name: string): boolean =>
  name === 'localhost' || name === '[::1]' || (isAddress(name) && name.startsWith('127.'));

/** The host as a URL of the given scheme writes it: without the scheme's own port. */
const hostIn = (host: URL, protocol: string): string =>
  protocol === 'https:' && host.port === '443' ? host.hostname : host.host;
