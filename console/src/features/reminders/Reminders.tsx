import { queryOptions, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { api, ask } from '../../api/client.ts';
import { keys } from '../../api/keys.ts';
import type { Schema } from '../../api/types.ts';
import { Button } from '../../ui/Button.tsx';
import { Loaded } from '../../ui/Loaded.tsx';
import { ProblemBanner } from '../../ui/ProblemBanner.tsx';
import { Actions, Section, Soft } from '../../ui/Section.tsx';
import { Select } from '../../ui/Select.tsx';
import { Skeleton } from '../../ui/Skeleton.tsx';
import { TextField } from '../../ui/TextField.tsx';
import { tell } from '../../ui/Toast.tsx';
import { useMay } from '../me/queries.ts';
import styles from './Reminders.module.css';

type Times = Schema<'Reminders'>;

const remindersQuery = (integrationId: string) =>
  queryOptions({
    queryKey: keys.reminders.of(integrationId),
    queryFn: ({ signal }) =>
      ask(api.GET('/v1/integrations/{id}/reminders', { params: { path: { id: integrationId } }, signal })),
  });

const units = [
  { id: 'minutes', name: 'minutes', minutes: 1 },
  { id: 'hours', name: 'hours', minutes: 60 },
  { id: 'days', name: 'days', minutes: 1_440 },
] as const;
type Unit = (typeof units)[number]['id'];
const minutesIn = (unit: Unit) => units.find(({ id }) => id === unit)?.minutes ?? 1;

/** A time as a person says it: in the largest unit of which it is a whole number. */
function spoken(minutes: number): { number: string; unit: Unit } {
  const unit = units.findLast((each) => minutes % each.minutes === 0)?.id ?? 'minutes';
  return { number: String(minutes / minutesIn(unit)), unit };
}

const words = (minutes: number) => {
  const { number, unit } = spoken(minutes);
  return number === '1' ? { minutes: 'minute', hours: 'hour', days: 'day' }[unit] : `${number} ${unit}`;
};

/** When somebody is reminded of an integration's new customers, and when it is a problem that nobody has mapped one. */
export function RemindersSection({ integrationId }: { integrationId: string }) {
  const query = useQuery(remindersQuery(integrationId));
  const may = useMay('operate');
  return (
    <Section title="Reminders of new customers">
      <Loaded query={query} what="The reminders" loading={<Skeleton label="Reading the reminders …" />}>
        {(times) => (
          <>
            <Soft>
              You are reminded of a customer that nobody has mapped every {words(times.everyMinutes)}; after{' '}
              {words(times.escalateAfterMinutes)} it is a problem. <Link to="/new-customers">New customers</Link> says
              when for each.
            </Soft>
            {may && <Form key={JSON.stringify(times)} integrationId={integrationId} times={times} />}
          </>
        )}
      </Loaded>
    </Section>
  );
}

function Form({ integrationId, times }: { integrationId: string; times: Times }) {
  const queryClient = useQueryClient();
  const [every, setEvery] = useState(spoken(times.everyMinutes));
  const [problem, setProblem] = useState(spoken(times.escalateAfterMinutes));
  const minutesOf = ({ number, unit }: typeof every) => Number(number) * minutesIn(unit);
  const isGood = (given: typeof every) => given.number.trim() !== '' && minutesOf(given) >= 1;
  const save = useMutation({
    mutationFn: (body: { everyMinutes: number; escalateAfterMinutes: number } | { preset: true }) =>
      ask(api.PUT('/v1/integrations/{id}/reminders', { params: { path: { id: integrationId } }, body })),
    onSuccess: (data) => {
      queryClient.setQueryData(keys.reminders.of(integrationId), data);
      void queryClient.invalidateQueries({ queryKey: keys.onboardings.all });
      tell('The reminders were saved');
    },
  });
  return (
    <form
      className={styles['form']}
      onSubmit={(event) => {
        event.preventDefault();
        save.mutate({ everyMinutes: minutesOf(every), escalateAfterMinutes: minutesOf(problem) });
      }}
    >
      {save.error && <ProblemBanner error={save.error} />}
      <Span label="Remind every" span={every} isGood={isGood(every)} onChange={setEvery} />
      <Span label="A problem after" span={problem} isGood={isGood(problem)} onChange={setProblem} />
      <Actions>
        <Button type="submit" isDisabled={save.isPending || !isGood(every) || !isGood(problem)}>
          Save reminders
        </Button>
        {!times.preset && (
          <Button look="quiet" isDisabled={save.isPending} onPress={() => save.mutate({ preset: true })}>
            As the installation has them
          </Button>
        )}
      </Actions>
    </form>
  );
}

interface SpanProps {
  label: string;
  span: { number: string; unit: Unit };
  isGood: boolean;
  onChange: (span: { number: string; unit: Unit }) => void;
}

/** A time: a number and its unit. */
function Span({ label, span, isGood, onChange }: SpanProps) {
  return (
    <div className={styles['span']}>
      <TextField
        label={label}
        type="text"
        inputMode="decimal"
        value={span.number}
        isInvalid={!isGood}
        error="A number, of a minute or more."
        onChange={(number) => onChange({ ...span, number })}
      />
      <Select
        label={`${label}: unit`}
        choices={units}
        chosen={span.unit}
        onChoose={(unit) => onChange({ ...span, unit })}
      />
    </div>
  );
}
