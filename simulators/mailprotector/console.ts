/**
 * The console's JSON endpoints, through which a program (dev/walkthrough/vendorConsole.ts) does what a person does by clicking
 * on the console's pages. gradientMsp.ts has what each click does.
 */
import type { SimAnswer, SimRequest } from '../kit/simulator.ts';
import type { WorldCustomer } from '../world.ts';
import { ConsoleProblem } from './consoleProblem.ts';
import type { GradientMsp } from './gradientMsp.ts';
import type { Sessions } from './sessions.ts';

export function createConsole(deps: {
  customers: () => readonly WorldCustomer[];
  gradient: GradientMsp;
  sessions: Sessions;
}) {
  const { customers, gradient, sessions } = deps;

  async function answer(request: SimRequest): Promise<SimAnswer> {
    const given = (request.body ?? {}) as Record<string, unknown>;
    if (`${request.method} ${request.path}` === 'POST /console/login')
      return ok({ session: sessions.login(String(given['email'] ?? ''), String(given['password'] ?? '')).id });
    if (!sessions.find(String(request.headers['x-session'] ?? ''))) throw new ConsoleProblem(401, 'Log in first.');
    const customer = /^\/console\/customers\/(\d+)\/integrations$/.exec(request.path)?.[1];
    if (request.method === 'PUT' && customer !== undefined) {
      const clientId = given['clientId'] === null ? null : String(given['clientId']);
      await gradient.assign(Number(customer), clientId);
      return ok({ id: Number(customer), clientId });
    }
    switch (`${request.method} ${request.path}`) {
      case 'GET /console/customers': {
        const { linked, assigned } = gradient.state();
        const isLinked = new Set(linked);
        const clientOf = (id: number) => assigned[id]?.id ?? null;
        return ok(customers().map(({ id, name }) => ({ id, name, linked: isLinked.has(id), clientId: clientOf(id) })));
      }
      case 'GET /console/integrations/gradient':
        return ok(state());
      case 'POST /console/integrations/gradient/enable':
        await gradient.enable(String(given['partnerApiKey'] ?? ''));
        return ok(state());
      case 'POST /console/integrations/gradient/migrate-to-alerts':
        await gradient.migrate();
        return ok(state());
      case 'POST /console/integrations/gradient/alerts':
        return gradient.sendAlert(Number(given['customerId']), given['alert'] as Record<string, unknown>);
      case 'POST /console/integrations/gradient/link':
        return ok(await gradient.link((given['customerIds'] as number[] | undefined) ?? []));
      case 'POST /console/integrations/gradient/update-counts':
        return ok(await gradient.updateCounts());
      case 'GET /console/integrations/gradient/clients':
        return ok(await gradient.clients(request.query.get('search') ?? ''));
      default:
        throw new ConsoleProblem(404, 'The console has no such page.');
    }
  }

  function state() {
    const { enabled, migrated, linked, services, lastUpdate } = gradient.state();
    return { enabled, migrated, linked, serviceAssignments: services, lastUpdate };
  }

  return async function handle(request: SimRequest): Promise<SimAnswer> {
    try {
      return await answer(request);
    } catch (error) {
      if (error instanceof ConsoleProblem) return { status: error.status, body: { message: error.message } };
      throw error;
    }
  };
}

const ok = (body: unknown): SimAnswer => ({ status: 200, body });
