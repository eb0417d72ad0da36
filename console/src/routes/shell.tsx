import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, Outlet, useNavigate, useRouterState, type LinkProps } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { useConnectionLost } from '../api/connection.ts';
import { closeSession, useSession } from '../api/session.ts';
import { signOut, signOutEverywhere } from '../api/signIn.ts';
import { forgetShown, useLive, useLiveTrouble, type Live } from '../features/integrationHealth/live.ts';
import { RefreshButton } from '../features/integrationHealth/RefreshButton.tsx';
import { meQuery } from '../features/me/queries.ts';
import { SignInForm } from '../features/me/SignInForm.tsx';
import { SyncStatus } from '../features/syncs/SyncStatus.tsx';
import { chooseTheme, useTheme } from '../theme.ts';
import { Banner } from '../ui/Banner.tsx';
import { Button } from '../ui/Button.tsx';
import { Dialog } from '../ui/Dialog.tsx';
import { formatCount } from '../ui/format.ts';
import { Icon, type IconName } from '../ui/Icon.tsx';
import { Choices, Divider, Group, Item, Menu } from '../ui/Menu.tsx';
import { forgetProblems, tellProblem } from '../ui/Toast.tsx';
import styles from './shell.module.css';

interface Place {
  to: NonNullable<LinkProps['to']>;
  name: string;
  icon: IconName;
  /** Where else the addresses of its pages begin. */
  alsoAt?: readonly string[];
  /** How many things there wait for a person. */
  waits?: (live: Live) => number;
}

const sum = (live: Live, of: (health: Live['health'][number]) => number) =>
  live.health.reduce((total, health) => total + of(health), 0);

const places: readonly Place[] = [
  { to: '/reconcile', name: 'Reconcile', icon: 'reconcile' },
  { to: '/approvals', name: 'Approvals', icon: 'approvals' },
  { to: '/month-end', name: 'Month end', icon: 'monthEnd' },
  {
    to: '/integrations',
    name: 'Integrations',
    icon: 'integrations',
    alsoAt: ['/connect/', '/psa-connections/'],
    waits: (live) => sum(live, ({ waits }) => waits.filter((wait) => wait.for === 'person').length),
  },
  {
    to: '/new-customers',
    name: 'New customers',
    icon: 'customers',
    waits: (live) => sum(live, ({ customersWaiting }) => customersWaiting),
  },
  {
    to: '/alerts',
    name: 'Alerts',
    icon: 'alerts',
    waits: (live) => sum(live, ({ alertsParked, alertsDead }) => alertsParked + alertsDead),
  },
  { to: '/runs', name: 'Runs', icon: 'runs', waits: (live) => sum(live, ({ heldRuns }) => heldRuns) },
  { to: '/audit', name: 'Audit', icon: 'audit' },
  { to: '/settings', name: 'Settings', icon: 'settings' },
];

/** What is around every page: where one can go, what goes on, and who one is. */
export function Shell() {
  const session = useSession();
  const isLost = useConnectionLost();
  const live = useLive();
  const trouble = useLiveTrouble();
  const [isOpen, setOpen] = useState(false);
  const path = useRouterState({ select: (state) => state.location.pathname });
  useEffect(() => {
    setOpen(false);
    return forgetProblems;
  }, [path]);
  return (
    <div className={styles['shell']}>
      <a href="#page" className={styles['skip']}>
        To the page
      </a>
      <header className={styles['bar']}>
        <div className={styles['brand']}>
          <span className={styles['opener']}>
            <Button look="icon" aria-label="Navigation" aria-expanded={isOpen} onPress={() => setOpen(!isOpen)}>
              <Icon name="menu" />
            </Button>
          </span>
          <span className={styles['name']}>Countersign</span>
        </div>
        <div className={styles['tools']}>
          <SyncStatus live={live} />
          <RefreshButton />
          <PersonMenu />
        </div>
      </header>
      <nav className={`${styles['side']} ${isOpen ? styles['open'] : ''}`} aria-label="Pages">
        {places.map((place) => (
          <NavigationLink
            key={place.to}
            place={place}
            isHere={place.alsoAt?.some((begin) => path.startsWith(begin)) ?? false}
            waits={live && place.waits ? place.waits(live) : 0}
          />
        ))}
      </nav>
      <main id="page" className={styles['page']} tabIndex={-1}>
        {isLost && (
          <div className={styles['lost']}>
            <Banner tone="care" title="Countersign does not answer">
              What you see is from before. It is asked again by itself, and this line goes when it answers.
            </Banner>
          </div>
        )}
        {!isLost && trouble && (
          <div className={styles['lost']}>
            <Banner tone="care" title={`What goes on cannot be followed: ${trouble.title.toLowerCase()}`}>
              {trouble.message} Sync Status and Refresh are as they were; this line goes by itself.
            </Banner>
          </div>
        )}
        <Outlet />
      </main>
      <Dialog title="Sign in again" isOpen={session === 'ended'}>
        <p>
          Your session has ended. The page behind is as you left it; nothing you typed is lost, and what you asked for
          last goes on as soon as you have signed in.
        </p>
        <SignInForm />
      </Dialog>
    </div>
  );
}

/** @param isHere whether the page shown is one of this place, though its address is not */
function NavigationLink({ place, isHere, waits }: { place: Place; isHere: boolean; waits: number }) {
  return (
    <Link
      to={place.to}
      className={isHere ? `${styles['link']} ${styles['here']}` : styles['link']}
      activeProps={{ className: styles['here'] }}
      aria-current={isHere ? 'page' : undefined}
    >
      <Icon name={place.icon} />
      <span>{place.name}</span>
      {waits > 0 && (
        <span className={styles['count']}>
          <span aria-hidden="true">{formatCount(waits)}</span>
          <span className={styles['said']}>{formatCount(waits)} waiting</span>
        </span>
      )}
    </Link>
  );
}

function PersonMenu() {
  const me = useQuery(meQuery).data;
  const theme = useTheme();
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const organization = me?.organization.name ?? '';
  const leave = (end: () => Promise<unknown>) => {
    end().then(() => {
      closeSession();
      forgetShown();
      queryClient.clear();
      void navigate({ to: '/sign-in' });
    }, tellProblem);
  };
  return (
    <Menu
      label="You"
      trigger={
        <Button look="quiet" aria-label={`You, at ${organization}`}>
          <Icon name="person" />
          <span className={styles['organization']}>{organization}</span>
        </Button>
      }
    >
      <Choices
        title="Colours"
        choices={[
          { id: 'system', name: 'As the system' },
          { id: 'light', name: 'Light' },
          { id: 'dark', name: 'Dark' },
        ]}
        chosen={theme}
        onChoose={chooseTheme}
      />
      <Divider />
      <Group title={me?.person ? `${me.person.name}, ${me.person.email}` : organization}>
        <Item icon="out" name="Sign out" onDo={() => leave(signOut)} />
        <Item icon="out" name="Sign out everywhere" onDo={() => leave(signOutEverywhere)} />
      </Group>
    </Menu>
  );
}
