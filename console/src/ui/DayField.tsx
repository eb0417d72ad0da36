import { TextField } from './TextField.tsx';

/** The zone of whoever looks at the page, in which their days are. */
export const timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone;

interface Props {
  label: string;
  /** YYYY-MM-DD; undefined = none. */
  day: string | undefined;
  onChange: (day: string | undefined) => void;
}

/** A day; nothing is told while it is being typed. */
export function DayField({ label, day, onChange }: Props) {
  return (
    <TextField
      label={label}
      type="date"
      value={day ?? ''}
      onChange={(value) => {
        if (value === '' || /^20\d\d-\d\d-\d\d$/.test(value)) onChange(value === '' ? undefined : value);
      }}
    />
  );
}
