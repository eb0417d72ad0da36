import { queryOptions, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ask } from '../../api/client.ts';
import { keys } from '../../api/keys.ts';
import type { Schema } from '../../api/types.ts';
import { Banner } from '../../ui/Banner.tsx';
import { Button } from '../../ui/Button.tsx';
import { terms } from '../../terms.ts';
import { Checkbox } from '../../ui/Checkbox.tsx';
import { Loaded } from '../../ui/Loaded.tsx';
import { ProblemBanner } from '../../ui/ProblemBanner.tsx';
import { Actions, Section, Soft } from '../../ui/Section.tsx';
import { Select } from '../../ui/Select.tsx';
import { Skeleton } from '../../ui/Skeleton.tsx';
import { TextField } from '../../ui/TextField.tsx';
import { tell } from '../../ui/Toast.tsx';
import { When } from '../../ui/When.tsx';
import { useMay } from '../me/queries.ts';
import styles from './ScheduleForm.module.css';

type Schedule = Schema<'Schedule'>;
type Choice = Schedule['choice'];

const scheduleQuery = (integrationId: string) =>
  queryOptions({
    queryKey: keys.schedule.of(integrationId),
    queryFn: ({ signal }) =>
      ask(api.GET('/v1/integrations/{id}/schedule', { params: { path: { id: integrationId } }, signal })),
  });

/** When an integration syncs by itself: its next runs, and how they are changed. */
export function ScheduleSection({ integrationId }: { integrationId: string }) {
  const query = useQuery(scheduleQuery(integrationId));
  const may = useMay('operate');
  return (
    <Section title="Schedule">
      <Loaded query={query} what="The schedule" loading={<Skeleton label="Reading the schedule …" />}>
        {(schedule) => (
          <>
            <NextRuns schedule={schedule} />
            {schedule.warnings.map(({ code, detail }) => (
              <Banner key={code} tone="care" title={detail} />
            ))}
            {schedule.pausedInTemporal && (
              <Banner
                tone="care"
                title="Somebody has paused this schedule in the Temporal UI: no sync begins by itself until it is unpaused there."
              />
            )}
            {may && <Form key={JSON.stringify(schedule.choice)} integrationId={integrationId} schedule={schedule} />}
          </>
        )}
      </Loaded>
    </Section>
  );
}

function NextRuns({ schedule: { nextRuns, paused, pausedInTemporal } }: { schedule: Schedule }) {
  if (nextRuns.length === 0)
    return (
      <Soft>{paused || pausedInTemporal ? 'The schedule is paused.' : 'It syncs only when somebody asks for it.'}</Soft>
    );
  return (
    <ul className={styles['runs']} aria-label="Next runs">
      {nextRuns.map((at) => (
        <li key={at}>
          <When at={at} />
        </li>
      ))}
    </ul>
  );
}

const kinds = [
  { id: 'night', name: 'Every night' },
  { id: 'week', name: 'Every week' },
  { id: 'month', name: 'Every month' },
  { id: 'cron', name: 'At other times' },
  { id: 'never', name: 'Only when somebody asks' },
] as const;
type Kind = (typeof kinds)[number]['id'];

const weekdays = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const;

function Form({ integrationId, schedule }: { integrationId: string; schedule: Schedule }) {
  const queryClient = useQueryClient();
  const { choice } = schedule;
  const [kind, setKind] = useState<Kind>('cron' in choice ? 'cron' : choice.every);
  const [at, setAt] = useState('at' in choice && choice.at !== undefined ? choice.at : '03:30');
  const [weekday, setWeekday] = useState('every' in choice && choice.every === 'week' ? choice.on : 'monday');
  const [day, setDay] = useState(String('every' in choice && choice.every === 'month' ? choice.on : 'last'));
  const [cron, setCron] = useState('cron' in choice ? choice.cron : '');
  const [timeZone, setTimeZone] = useState(schedule.timeZone);
  const [paused, setPaused] = useState(schedule.paused);
  const chosen = (): Choice => {
    if (kind === 'never') return { every: 'never' };
    if (kind === 'cron') return { cron };
    if (kind === 'week') return { every: 'week', on: weekday, at };
    return kind === 'night'
      ? { every: 'night', at }
      : { every: 'month', on: day === 'last' ? 'last' : Number(day), at };
  };
  const save = useMutation({
    mutationFn: () =>
      ask(
        api.PUT('/v1/integrations/{id}/schedule', {
          params: { path: { id: integrationId } },
          body: { choice: chosen(), timeZone, paused, jitterMinutes: schedule.jitterMinutes },
        }),
      ),
    onSuccess: (data) => {
      queryClient.setQueryData(keys.schedule.of(integrationId), data);
      void queryClient.invalidateQueries({ queryKey: keys.health.all });
      tell('The schedule was saved');
    },
  });
  return (
    <form
      className={styles['form']}
      onSubmit={(event) => {
        event.preventDefault();
        save.mutate();
      }}
    >
      {save.error && <ProblemBanner error={save.error} />}
      <div className={styles['fields']}>
        <Select label="How often" choices={kinds} chosen={kind} onChoose={setKind} />
        {kind === 'week' && (
          <Select
            label="On"
            choices={weekdays.map((id) => ({ id, name: id.charAt(0).toUpperCase() + id.slice(1) }))}
            chosen={weekday}
            onChoose={setWeekday}
          />
        )}
        {kind === 'month' && (
          <Select
            label="On day"
            choices={[
              ...Array.from({ length: 31 }, (_, index) => ({ id: String(index + 1), name: String(index + 1) })),
              { id: 'last', name: 'The last day' },
            ]}
            chosen={day}
            onChoose={setDay}
          />
        )}
        {kind === 'cron' && (
          <TextField
            label="Cron expression"
            description={terms.cron}
            value={cron}
            onChange={setCron}
            placeholder="30 3 * * 1-5"
          />
        )}
        {kind !== 'never' && kind !== 'cron' && <TextField label="At" type="time" value={at} onChange={setAt} />}
        {kind !== 'never' && (
          <TextField label="Time zone" value={timeZone} onChange={setTimeZone} placeholder="America/New_York" />
        )}
      </div>
      {kind !== 'never' && (
        <Checkbox isChecked={paused} onChange={setPaused}>
          Paused: it keeps the schedule, and runs nothing
        </Checkbox>
      )}
      <Actions>
        <Button type="submit" isDisabled={save.isPending}>
          Save schedule
        </Button>
      </Actions>
    </form>
  );
}
