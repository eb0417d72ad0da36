import { useState } from 'react';
import { DaysFields } from '../../ui/DayField.tsx';
import { formatDay, formatMonth } from '../../ui/format.ts';
import { Select } from '../../ui/Select.tsx';
import { months, type Days } from './period.ts';

const idOf = ({ from, to }: Days) => `${from} ${to}`;

interface Props {
  days: Days;
  onChoose: (days: Days) => void;
  onWrong: (isWrong: boolean) => void;
}

/** A month, or any first and last day. */
export function PeriodPicker({ days, onChoose, onWrong }: Props) {
  const known = months();
  const isMonth = known.some((month) => idOf(month) === idOf(days));
  const [isOther, setOther] = useState(!isMonth);
  const choices = [
    ...known.map((month) => ({ id: idOf(month), name: formatMonth(month.from) })),
    { id: 'other', name: 'Other days' },
  ];
  return (
    <>
      <Select
        label="Period"
        choices={choices}
        chosen={isOther || !isMonth ? 'other' : idOf(days)}
        onChoose={(id) => {
          const month = known.find((each) => idOf(each) === id);
          setOther(month === undefined);
          onWrong(false);
          if (month) onChoose(month);
        }}
      />
      {(isOther || !isMonth) && (
        <DaysFields days={days} onWrong={onWrong} onChange={({ from, to }) => from && to && onChoose({ from, to })} />
      )}
    </>
  );
}

/** "November 2026", or its first and last day. */
export function wordsOf(days: Days): string {
  const isMonth = months().some((month) => idOf(month) === idOf(days));
  return isMonth ? formatMonth(days.from) : `${formatDay(days.from)} to ${formatDay(days.to)}`;
}
