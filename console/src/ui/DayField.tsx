import { useState } from 'react';
import { EmptyState } from './EmptyState.tsx';
import { TextField } from './TextField.tsx';

/** The zone of whoever looks at the page, in which their days are. */
export const timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** The day that it is now in UTC, in which the API tells whether a day is past. */
export const today = () => new Date().toISOString().slice(0, 10);

interface Props {
  label: string;
  /** YYYY-MM-DD; undefined = none. */
  day: string | undefined;
  onChange: (day: string | undefined) => void;
  /** What is wrong with it, in words. */
  error?: string | undefined;
}

/** A day; nothing is told while it is being typed. */
export function DayField({ label, day, onChange, error }: Props) {
  return (
    <TextField
      label={label}
      type="date"
      value={day ?? ''}
      isInvalid={error !== undefined}
      error={error}
      onChange={(value) => {
        if (value === '' || /^20\d\d-\d\d-\d\d$/.test(value)) onChange(value === '' ? undefined : value);
      }}
    />
  );
}

interface Days {
  from?: string | undefined;
  to?: string | undefined;
}

interface DaysProps {
  days: Days;
  onChange: (days: Days) => void;
  /** Whether the last day that is shown is before the first, so that the page has nothing to show of them. */
  onWrong: (isWrong: boolean) => void;
}

/** A first and a last day. Nothing else is told while the last one is before the first: the field says so. */
export function DaysFields({ days, onChange, onWrong }: DaysProps) {
  const [wrong, setWrong] = useState<Days>();
  const { from, to } = wrong ?? days;
  const choose = (chosen: Days) => {
    const isWrong = chosen.from !== undefined && chosen.to !== undefined && chosen.to < chosen.from;
    setWrong(isWrong ? chosen : undefined);
    onWrong(isWrong);
    if (!isWrong) onChange(chosen);
  };
  return (
    <>
      <DayField label="First day" day={from} onChange={(day) => choose({ from: day, to })} />
      <DayField
        label="Last day"
        day={to}
        onChange={(day) => choose({ from, to: day })}
        error={wrong && 'It is before the first day.'}
      />
    </>
  );
}

/** In the place of what two days show. */
export function WrongDays() {
  return <EmptyState title="The last day is before the first">Choose another first or last day.</EmptyState>;
}
