import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ask } from '../../api/client.ts';
import { keys } from '../../api/keys.ts';
import { isProblem } from '../../api/problem.ts';
import { Button } from '../../ui/Button.tsx';
import { Checkbox } from '../../ui/Checkbox.tsx';
import { ProblemBanner } from '../../ui/ProblemBanner.tsx';
import { Radios } from '../../ui/Radios.tsx';
import { Actions, Section, Soft } from '../../ui/Section.tsx';
import { Select } from '../../ui/Select.tsx';
import { TextArea } from '../../ui/TextArea.tsx';
import { TextField } from '../../ui/TextField.tsx';
import { tell } from '../../ui/Toast.tsx';
import { priorityWords } from '../alerts/words.ts';
import { usePsaWords } from '../catalogue/queries.ts';
import type { Integration } from '../integrations/state.ts';
import { useMay } from '../me/queries.ts';
import styles from './alertSettings.module.css';
import type { AlertSettings } from './queries.ts';
import { TicketPreview, usePreview } from './TicketPreview.tsx';

const priorities = priorityWords.map((name, at) => ({ id: String(at + 1), name }));

/** The fields of a text that an alert fills in. */
const fields = 'title, description, account, service, priority, alertId, vendor, receivedAt, dueAt'.split(', ');

interface Props {
  integration: Integration;
  settings: AlertSettings;
}

/** How alerts become tickets, beside the ticket that one would become. */
export function SettingsForm({ integration: { id, intake, psaConnectionId, disconnectedAt }, settings }: Props) {
  const queryClient = useQueryClient();
  const may = useMay('operate') && disconnectedAt === null;
  const words = usePsaWords(psaConnectionId);
  const [priority, setPriority] = useState('3');
  const [summary, setSummary] = useState(settings.summary);
  const [body, setBody] = useState(settings.body);
  const [whenClosed, setWhenClosed] = useState(settings.whenClosed);
  const [most, setMost] = useState(String(settings.storm.most));
  const [windowMinutes, setWindow] = useState(String(settings.storm.windowMinutes));
  const [rules, setRules] = useState(settings.rules);
  const preview = usePreview(id, { summary, body, priority });
  const save = useMutation({
    mutationFn: () =>
      ask(
        api.PUT('/v1/integrations/{id}/alert-settings', {
          params: { path: { id } },
          body: {
            summary,
            body,
            whenClosed,
            storm: { most: Number(most), windowMinutes: Number(windowMinutes) },
            rules,
          },
        }),
      ),
    onSuccess: (data) => {
      queryClient.setQueryData(keys.alertSettings.of(id), data);
      void queryClient.invalidateQueries({ queryKey: keys.alerts.all });
      tell('The alert settings were saved');
    },
  });
  const refused = [save.error, preview.error].flatMap((error) => (isProblem(error) ? error.fields : []));
  const errorOf = (field: string) => refused.find((each) => each.field === field)?.message;
  const isElsewhere =
    save.error &&
    !(isProblem(save.error) && save.error.fields.some(({ field }) => field === 'summary' || field === 'body'));
  return (
    <div className={styles['columns']}>
      {may && (
        <Section title={`The ${words.ticket.one}`}>
          <form
            className={styles['form']}
            onSubmit={(event) => {
              event.preventDefault();
              save.mutate();
            }}
          >
            {isElsewhere && <ProblemBanner error={save.error} />}
            <TextField
              label="Summary"
              value={summary}
              onChange={setSummary}
              isInvalid={errorOf('summary') !== undefined}
              error={errorOf('summary')}
            />
            <TextArea label="Text" value={body} onChange={setBody} rows={10} error={errorOf('body')} />
            <Soft>An alert fills in: {fields.map((field) => `{${field}}`).join(', ')}.</Soft>
            <Radios
              label={`When its ${words.ticket.one} was closed and the alert comes again`}
              choices={[
                { id: 'new_ticket', name: `A new ${words.ticket.one}`, detail: 'It names the one that it follows.' },
                { id: 'reopen', name: `The closed ${words.ticket.one} is opened again` },
              ]}
              chosen={whenClosed}
              onChoose={setWhenClosed}
            />
            <div className={styles['fields']}>
              <TextField
                label={`Most ${words.ticket.many} of one customer`}
                description={`Further alerts share one ${words.ticket.one}. 0 = they never do.`}
                type="number"
                value={most}
                onChange={setMost}
              />
              <TextField
                label="Within so many minutes"
                description="The time over which they are counted."
                type="number"
                value={windowMinutes}
                onChange={setWindow}
              />
            </div>
            {intake === 'pull' && <Rules rules={rules} onChange={setRules} />}
            <Actions>
              <Button look="main" type="submit" isDisabled={save.isPending}>
                Save the settings
              </Button>
            </Actions>
          </form>
        </Section>
      )}
      <Section title="Preview">
        <Soft>The {words.ticket.one} of an alert that was made up for this.</Soft>
        <Select label="Its priority" choices={priorities} chosen={priority} onChoose={setPriority} />
        <TicketPreview preview={preview} words={words} />
      </Section>
    </div>
  );
}

type AllRules = AlertSettings['rules'];

const ruleWords: Record<keyof AllRules, { name: string; days?: string }> = {
  domainPending: { name: 'A domain stays pending', days: 'Days after it was added' },
  directorySync: { name: 'A directory sync stops answering' },
  statementOverdue: { name: 'A statement is not settled', days: 'Days after it was due' },
  usageZero: { name: "A customer's usage falls to zero" },
};

/** Alerts that Countersign derives where the vendor is read. */
function Rules({ rules, onChange }: { rules: AllRules; onChange: (rules: AllRules) => void }) {
  return (
    <fieldset className={styles['form']}>
      <legend>Alerts that Countersign derives from what each sync reads</legend>
      {(Object.keys(ruleWords) as (keyof AllRules)[]).map((name) => {
        const rule = rules[name];
        const { name: title, days } = ruleWords[name];
        return (
          <div key={name} className={styles['rule']}>
            <Checkbox isChecked={rule.on} onChange={(on) => onChange({ ...rules, [name]: { ...rule, on } })}>
              {title}
            </Checkbox>
            {days !== undefined && 'afterDays' in rule && rule.on && (
              <TextField
                label={days}
                type="number"
                value={String(rule.afterDays)}
                onChange={(value) => onChange({ ...rules, [name]: { ...rule, afterDays: Number(value) } })}
              />
            )}
          </div>
        );
      })}
    </fieldset>
  );
}
