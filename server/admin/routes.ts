/** Finds the route of a logged-in admin's request to `/admin/api/…`, and replies with what it answers. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { replyJson } from '../http/replies.ts';
import type { Actor } from '../rules/registry.ts';
import { AdminRoutes, type AdminRoutesOptions } from './adminRoutes.ts';
import { AuditRoutes } from './auditRoutes.ts';
import { ModerationRoutes, type ModerationRoutesOptions } from './moderationRoutes.ts';
import { NurseryRoutes, type NurseryRoutesOptions } from './nurseryRoutes.ts';
import { Refusal, type Route } from './requests.ts';
import { RuleRoutes, type RuleRoutesOptions } from './ruleRoutes.ts';
import { WorldRoutes, type WorldRoutesOptions } from './worldRoutes.ts';

export type RoutesOptions = RuleRoutesOptions &
  WorldRoutesOptions &
  ModerationRoutesOptions &
  AdminRoutesOptions &
  NurseryRoutesOptions;

export class Routes {
  readonly all: readonly Route[];

  constructor(options: RoutesOptions) {
    this.all = [RuleRoutes, WorldRoutes, ModerationRoutes, AdminRoutes, AuditRoutes, NurseryRoutes].flatMap(
      (Part) => new Part(options).all,
    );
  }

  /** @throws Refusal, RuleError, RegistryError, or Error with the world's reason; nothing has changed then */
  async handle(request: IncomingMessage, response: ServerResponse, url: URL, actor: Actor): Promise<void> {
    const path = url.pathname.slice('/admin/api/'.length);
    const fitting = this.all.filter(([, pattern]) => pattern.test(path));
    if (fitting.length === 0) throw new Refusal(404, `there is no ${url.pathname}`);
    const route = fitting.find(([method]) => method === request.method);
    const allowed = fitting.map(([method]) => method).join(', ');
    if (route === undefined) throw new Refusal(405, `${allowed} is expected`, { Allow: allowed });
    const [, pattern, role, handler] = route;
    if (role === 'owner' && actor.role !== 'owner') throw new Refusal(403, 'only an owner may do this');
    const part = decodePart(pattern.exec(path)?.[1] ?? '');
    const body = await handler({ request, response, url, actor, part });
    if (!response.headersSent) replyJson(response, 200, body ?? {});
  }
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
    throw new Refusal(400, 'the path cannot be decoded');
  }
}
