import { useQuery } from '@tanstack/react-query';
import { formatCount } from '../../ui/format.ts';
import { StatusWord } from '../../ui/StatusWord.tsx';
import { saidOf, type Step } from '../steps/Steps.tsx';
import { usePsaWords, type PsaWords } from '../catalogue/queries.ts';
import type { Integration } from '../integrations/state.ts';
import { useMay } from '../me/queries.ts';
import { psaConnectionsQuery } from '../psaConnections/queries.ts';
import type { Health } from './queries.ts';
import styles from './Waits.module.css';

interface Props {
  integration: Integration;
  health: Health;
  /** As the vendor is called. */
  vendor: string;
}

/** What does not go on by itself, and whom it waits for. */
export function Waits({ integration, health, vendor }: Props) {
  const psa = usePsaWords(integration.psaConnectionId);
  const connection = useQuery(psaConnectionsQuery).data?.items.find(({ id }) => id === integration.psaConnectionId);
  // A problem is said as it is said of its step, also of one of the PSA's reading, for which a sync may wait.
  const steps = [integration.process, integration.sync, connection?.process].flatMap((process) => process?.steps ?? []);
  // What a viewer sees waiting is for somebody else to do.
  const person = useMay('operate') ? 'You' : 'An operator';
  const whom = { person, vendor, psa: 'The PSA', countersign: 'Countersign' };
  const lines = [
    ...health.waits.map((wait) => ({
      tone: wait.code === undefined ? ('waiting' as const) : ('bad' as const),
      whom: whom[wait.for],
      what: plainOf(wait, steps),
    })),
    ...health.unlisted.map(({ for: who, code, count }) => ({
      tone: 'bad' as const,
      whom: whom[who],
      what: `${formatCount(count)} more wait for the same${code === null ? '' : ` (${code})`}.`,
    })),
    ...todosOf(health, vendor, psa).map((what) => ({ tone: 'care' as const, whom: person, what })),
  ];
  if (lines.length === 0) return <p className={styles['soft']}>Nothing waits for anybody.</p>;
  return (
    <ul className={styles['waits']} aria-label="What waits for whom">
      {lines.map((line, at) => (
        <li key={`${at} ${line.what}`}>
          <StatusWord tone={line.tone}>{line.whom}</StatusWord>
          <span>{line.what}</span>
        </li>
      ))}
    </ul>
  );
}

function plainOf({ code, what }: Health['waits'][number], steps: readonly Step[]): string {
  const step = steps.find(({ problem }) => code !== undefined && problem?.code === code);
  return step?.problem ? `${step.title}: ${step.problem.what} ${saidOf(step) ?? ''}` : what;
}

/** What a person has to look at, though no process waits for it. */
function todosOf(health: Health, vendor: string, psa: PsaWords): string[] {
  const { linesUncertain, customersWaiting, alertsParked, alertsDead, refusedPosts, stale, credentials } = health;
  const count = (n: number, one: string, many: string) =>
    n === 0 ? [] : [n === 1 ? one : `${formatCount(n)} ${many}`];
  return [
    ...(stale ? ['The data is older than the schedule allows.'] : []),
    ...count(
      linesUncertain,
      'It is not known of one approved line whether it was written; it is read again.',
      'approved lines may or may not have been written; they are read again.',
    ),
    ...count(
      customersWaiting,
      `One new customer is not mapped to a ${psa.account.one} yet.`,
      `new customers are not mapped to ${psa.account.many} yet.`,
    ),
    ...count(
      alertsParked,
      'One alert waits until its account is mapped.',
      'alerts wait until their accounts are mapped.',
    ),
    // One of them is among those that wait.
    ...count(alertsDead > 1 ? alertsDead : 0, '', 'alerts could not be delivered.'),
    ...count(
      refusedPosts,
      `What ${vendor} sends for one account and service is refused.`,
      `accounts and services are refused when ${vendor} sends them.`,
    ),
    ...credentials.flatMap(({ warning }) => warning ?? []),
  ];
}
