/**
 * Under which names this server answers, and which pages may use it. A page of another site can give a name of its own
 * the server's address (DNS rebinding); its browser then takes the two for one site. So a name that anybody can register
 * counts only if the operator has named it with `--public-url`.
 */
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import type { Proxies } from './addresses.ts';

export interface HostOptions {
  /** Where the world finds the page: origin and path, ending in a slash; empty: nobody has said. */
  readonly publicUrl: string;
  readonly proxies: Proxies;
  /** What the machine calls itself. */
  readonly machine?: string;
}

/** Names that no registry gives away: RFC 6761, 6762 and 8375, and what ICANN has reserved. */
const PRIVATE_NAME = /(?:^|\.)(?:localhost|local|internal|home\.arpa)$/;
/** Balancers ask for them by address; they tell a stranger nothing that the page does not. */
const STATUS_PATH = /^\/(?:healthz|livez|readyz)(?:\?|$)/;

export class Hosts {
  readonly #public: URL | null;
  readonly #proxies: Proxies;
  readonly #machine: string;

  constructor({ publicUrl, proxies, machine = hostname() }: HostOptions) {
    this.#public = publicUrl === '' ? null : new URL(publicUrl);
    this.#proxies = proxies;
    this.#machine = machine.toLowerCase();
  }

  /** Why a request under this name is refused, for the person who typed it; null: it is answered. */
  refusal(request: IncomingMessage): string | null {
    if (STATUS_PATH.test(this.localUrl(request.url ?? ''))) return null;
    const host = this.#hostOf(request);
    if (host === null) return 'Host is not the name of a host';
    // A proxy may pass on the address or name that it knows this server by.
    if (isAddress(host.hostname) || this.#isPrivate(host.hostname) || this.#isPublic(host)) return null;
    if (this.#public !== null)
      return `this server answers as ${this.#public.host} (--public-url), not as ${host.host}`;
    return `this server does not know the name ${host.host}; if it is the server's, start it with --public-url http://${host.host}/ (or https)`;
  }

  /** False for a request from another site's page. Browsers send the Origin; other programs send none, and pass. */
  isOwnOrigin(request: IncomingMessage): boolean {
    const { origin } = request.headers;
    if (origin === undefined) return true;
    const from = URL.parse(origin);
    const host = this.#hostOf(request);
    if (from === null || host === null) return false;
    // Whatever name a proxy passes on, the operator has said where the page is.
    if (from.origin === this.#public?.origin) return true;
    if (this.#isPublic(host)) return false;
    // The scheme is not compared: a proxy may speak TLS without saying so.
    return from.host === hostIn(host, from.protocol);
  }

  /** True if the browser speaks TLS, as far as its page, the operator or a trusted proxy says. */
  isSecure(request: IncomingMessage): boolean {
    const { origin } = request.headers;
    if (origin?.startsWith('https:') && this.isOwnOrigin(request)) return true;
    if (this.#proxies.read(request, 'x-forwarded-proto') === 'https') return true;
    // Under an address or a private name, or through a tunnel, it may be somebody who has gone round the proxy.
    const host = this.#hostOf(request);
    return this.#public?.protocol === 'https:' && host !== null && this.#isPublic(host);
  }

  /** @returns a request's URL without the path of `--public-url`, which a proxy may leave in */
  localUrl(url: string): string {
    const prefix = this.#path;
    return prefix !== '/' && url.startsWith(prefix) ? url.slice(prefix.length - 1) : url;
  }

  /** @returns where to go instead of the path of `--public-url` without its last slash, relative; null: it is another */
  withSlash(url: string): string | null {
    const [path, query] = url.split(/\?(.*)/s, 2);
    if (this.#path === '/' || `${path}/` !== this.#path) return null;
    return `${path.slice(path.lastIndexOf('/') + 1)}/${query === undefined ? '' : `?${query}`}`;
  }

  get #path(): string {
    return this.#public?.pathname ?? '/';
  }

  /** The name of `--public-url`. Its port may be missing: proxies often pass the name on alone. */
  #isPublic(host: URL): boolean {
    if (this.#public === null) return false;
    return [this.#public.host, this.#public.hostname].includes(hostIn(host, this.#public.protocol));
  }

  #hostOf(request: IncomingMessage): URL | null {
    const host = this.#proxies.read(request, 'x-forwarded-host') || (request.headers.host ?? '');
    return /^[^/\\?#@\s]+$/.test(host) ? URL.parse(`http://${host}`) : null;
  }

  /** A name that only this machine or its own network can give away: also one without a dot, which is no domain. */
  #isPrivate(name: string): boolean {
    const bare = name.replace(/\.$/, '');
    return !bare.includes('.') || PRIVATE_NAME.test(bare) || bare === this.#machine;
  }
}

const isAddress = (name: string): boolean => isIP(name.replace(/^\[(.*)\]$/, '$1')) !== 0;

/** The host as a URL of the given scheme writes it: without the scheme's own port. */
const hostIn = (host: URL, protocol: string): string =>
  protocol === 'https:' && host.port === '443' ? host.hostname : host.host;
