/** Every page and its address. A page is loaded when it is first opened. */
import {
  createRootRoute,
  createRoute,
  createRouter,
  Outlet,
  redirect,
  type ErrorComponentProps,
} from '@tanstack/react-router';
import { sessionState } from './api/session.ts';
import { queryClient, readAnewOnNextPage } from './api/queryClient.ts';
import { approvalStates } from './features/approvals/words.ts';
import { cardSearchOf } from './features/cards/search.ts';
import type { AlertsAsked } from './features/alerts/queries.ts';
import { alertStates } from './features/alerts/words.ts';
import { findSession } from './features/me/enter.ts';
import type { OnboardingsAsked } from './features/onboardings/queries.ts';
import { lazyRouteComponent } from './lazyRouteComponent.ts';
import { NotFound } from './routes/notFound.tsx';
import { Shell } from './routes/shell.tsx';
import { SignIn } from './routes/signIn.tsx';
import { Page } from './ui/Page.tsx';
import { ProblemBanner } from './ui/ProblemBanner.tsx';

const rootRoute = createRootRoute({ component: Outlet, notFoundComponent: NotFound });

/** Text of the address, if it is text: whatever a person wrote there. */
const text = (value: unknown) => (typeof value === 'string' ? value : undefined);

/** What stands in the address and fits, without the rest. */
const given = <T extends object>(all: T) =>
  Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };

const signIn = createRoute({
  getParentRoute: () => rootRoute,
  path: '/sign-in',
  component: SignIn,
  validateSearch: (search: Record<string, unknown>): { next?: string } => {
    const next = text(search['next']);
    // Only a page of ours: an address of another host would be a trap.
    return next !== undefined && /^\/(?![/\\])/.test(next) ? { next } : {};
  },
});

/** The secret of these two stands behind the # of their address. */
const link = createRoute({
  getParentRoute: () => rootRoute,
  path: '/link',
  component: lazyRouteComponent(() => import('./routes/link.tsx'), 'Link'),
});

const join = createRoute({
  getParentRoute: () => rootRoute,
  path: '/join',
  component: lazyRouteComponent(() => import('./routes/join.tsx'), 'Join'),
});

const shell = createRoute({
  getParentRoute: () => rootRoute,
  id: 'shell',
  component: Shell,
  beforeLoad: async ({ location }) => {
    if (sessionState() === 'unknown') await findSession(queryClient);
    if (sessionState() === 'none')
      throw redirect({ to: '/sign-in', search: location.pathname === '/' ? {} : { next: location.href } });
  },
});

const start = createRoute({
  getParentRoute: () => shell,
  path: '/',
  beforeLoad: () => {
    throw redirect({ to: '/integrations' });
  },
});

const integrations = createRoute({
  getParentRoute: () => shell,
  path: '/integrations',
  component: lazyRouteComponent(() => import('./routes/integrations.tsx'), 'Integrations'),
});

const connectPsa = createRoute({
  getParentRoute: () => shell,
  path: '/psa-connections/new',
  component: lazyRouteComponent(() => import('./routes/connectPsa.tsx'), 'ConnectPsa'),
});

const psaConnection = createRoute({
  getParentRoute: () => shell,
  path: '/psa-connections/$id',
  component: lazyRouteComponent(() => import('./routes/psaConnection.tsx'), 'PsaConnectionPage'),
});

const connectVendor = createRoute({
  getParentRoute: () => shell,
  path: '/connect/$vendor',
  component: lazyRouteComponent(() => import('./routes/connectVendor.tsx'), 'ConnectVendor'),
});

const connectWizard = createRoute({
  getParentRoute: () => shell,
  path: '/integrations/$id/connect',
  component: lazyRouteComponent(() => import('./routes/connectWizard.tsx'), 'ConnectWizard'),
});

const integration = createRoute({
  getParentRoute: () => shell,
  path: '/integrations/$id',
  component: lazyRouteComponent(() => import('./routes/integration.tsx'), 'IntegrationPage'),
});

const accountMapping = createRoute({
  getParentRoute: () => shell,
  path: '/integrations/$id/accounts',
  component: lazyRouteComponent(() => import('./routes/accountMapping.tsx'), 'AccountMapping'),
});

const serviceMapping = createRoute({
  getParentRoute: () => shell,
  path: '/integrations/$id/services',
  component: lazyRouteComponent(() => import('./routes/serviceMapping.tsx'), 'ServiceMapping'),
});

const review = createRoute({
  getParentRoute: () => shell,
  path: '/integrations/$id/review',
  component: lazyRouteComponent(() => import('./routes/review.tsx'), 'Review'),
});

const migrate = createRoute({
  getParentRoute: () => shell,
  path: '/integrations/$id/migrate',
  component: lazyRouteComponent(() => import('./routes/migrate.tsx'), 'Migrate'),
});

const runs = createRoute({
  getParentRoute: () => shell,
  path: '/runs',
  component: lazyRouteComponent(() => import('./routes/runs.tsx'), 'Runs'),
  validateSearch: (search: Record<string, unknown>): { integration?: string } => {
    const integration = text(search['integration']);
    return integration === undefined ? {} : { integration };
  },
});

const run = createRoute({
  getParentRoute: () => shell,
  path: '/runs/$id',
  component: lazyRouteComponent(() => import('./routes/run.tsx'), 'RunPage'),
});

const reconcile = createRoute({
  getParentRoute: () => shell,
  path: '/reconcile',
  component: lazyRouteComponent(() => import('./routes/reconcile.tsx'), 'Reconcile'),
  validateSearch: cardSearchOf,
});

/** The preview of the rest, when this one is of the first customer alone. */
const restIn = (search: Record<string, unknown>): { rest?: string } => {
  const rest = text(search['rest']);
  return rest === undefined ? {} : { rest };
};

const approvalPreview = createRoute({
  getParentRoute: () => shell,
  path: '/approvals/previews/$id',
  component: lazyRouteComponent(() => import('./routes/approvalPreview.tsx'), 'ApprovalPreviewPage'),
  validateSearch: restIn,
});

const approval = createRoute({
  getParentRoute: () => shell,
  path: '/approvals/$id',
  component: lazyRouteComponent(() => import('./routes/approval.tsx'), 'ApprovalPage'),
  validateSearch: restIn,
});

/** A day as YYYY-MM-DD. */
const day = (value: unknown) => (typeof value === 'string' && /^20\d\d-\d\d-\d\d$/.test(value) ? value : undefined);
/** The texts of an address that a page knows of; the others are left out. */
const texts = <Name extends string>(search: Record<string, unknown>, ...names: Name[]) =>
  Object.fromEntries(
    names.flatMap((name) => (text(search[name]) === undefined ? [] : [[name, text(search[name])]])),
  ) as { [Key in Name]?: string };
const days = (search: Record<string, unknown>): { from?: string; to?: string } => {
  const [first, last] = [day(search['from']), day(search['to'])];
  // An address may have them the wrong way round.
  const [from, to] = first !== undefined && last !== undefined && last < first ? [last, first] : [first, last];
  return { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
};

const approvals = createRoute({
  getParentRoute: () => shell,
  path: '/approvals',
  component: lazyRouteComponent(() => import('./routes/approvals.tsx'), 'Approvals'),
  validateSearch: (search: Record<string, unknown>) => {
    const state = approvalStates.find((each) => each === search['state']);
    return { ...days(search), ...texts(search, 'by'), ...(state === undefined ? {} : { state }) };
  },
});

const monthEnd = createRoute({
  getParentRoute: () => shell,
  path: '/month-end',
  component: lazyRouteComponent(() => import('./routes/monthEnd.tsx'), 'MonthEnd'),
  validateSearch: (search: Record<string, unknown>) => ({ ...days(search), ...texts(search, 'connection', 'account') }),
});

const newCustomers = createRoute({
  getParentRoute: () => shell,
  path: '/new-customers',
  component: lazyRouteComponent(() => import('./routes/newCustomers.tsx'), 'NewCustomers'),
  validateSearch: (search: Record<string, unknown>): OnboardingsAsked =>
    search['escalated'] === true ? { escalated: true } : {},
});

const alerts = createRoute({
  getParentRoute: () => shell,
  path: '/alerts',
  component: lazyRouteComponent(() => import('./routes/alerts.tsx'), 'Alerts'),
  validateSearch: (search: Record<string, unknown>): AlertsAsked & { alert?: string } => {
    const { integration, search: part, gathered, alert } = search;
    const state = alertStates.find((each) => each === search['state']);
    return given({
      state,
      integration: text(integration),
      // A number that stands in the address is read as one.
      search: typeof part === 'number' ? String(part) : text(part),
      gathered: text(gathered),
      alert: text(alert),
    });
  },
});

const alertSettings = createRoute({
  getParentRoute: () => shell,
  path: '/integrations/$id/alerts',
  component: lazyRouteComponent(() => import('./routes/alertSettings.tsx'), 'AlertSettingsPage'),
});

const audit = createRoute({
  getParentRoute: () => shell,
  path: '/audit',
  component: lazyRouteComponent(() => import('./routes/audit.tsx'), 'Audit'),
  validateSearch: (search: Record<string, unknown>) => ({
    ...days(search),
    ...texts(search, 'by', 'action', 'subjectKind', 'subjectId'),
  }),
});

const settings = createRoute({
  getParentRoute: () => shell,
  path: '/settings',
  component: lazyRouteComponent(() => import('./routes/settings.tsx'), 'Settings'),
});

export const router = createRouter({
  routeTree: rootRoute.addChildren([
    signIn,
    link,
    join,
    shell.addChildren([
      start,
      reconcile,
      approvals,
      approvalPreview,
      approval,
      monthEnd,
      integrations,
      connectPsa,
      psaConnection,
      connectVendor,
      connectWizard,
      integration,
      accountMapping,
      serviceMapping,
      newCustomers,
      alerts,
      alertSettings,
      runs,
      run,
      audit,
      settings,
      review,
      migrate,
    ]),
  ]),
  defaultErrorComponent: BrokenPage,
  // What a page does not know of, or refuses, is not handed to it.
  search: { strict: true },
  scrollRestoration: true,
});
router.subscribe('onBeforeLoad', ({ pathChanged }) => {
  if (pathChanged) readAnewOnNextPage();
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}

function BrokenPage({ error, reset }: ErrorComponentProps) {
  return (
    <Page title="This page does not work">
      <ProblemBanner error={error} onRetry={reset} />
    </Page>
  );
}
