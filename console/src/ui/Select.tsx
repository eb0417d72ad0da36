import { Button, Label, ListBox, ListBoxItem, Popover, Select as AriaSelect, SelectValue } from 'react-aria-components';
import { Icon } from './Icon.tsx';
import fields from './Field.module.css';
import lists from './List.module.css';

export interface Choice<Id extends string = string> {
  id: Id;
  name: string;
  /** More about it, in a line of its own where there is room. */
  detail?: string;
}

interface Props<Id extends string> {
  label: string;
  choices: readonly Choice<Id>[];
  chosen: Id | null;
  onChoose: (id: Id) => void;
  placeholder?: string;
  /** Where what stands around it says what it is for: the label is read aloud only. */
  isLabelHidden?: boolean;
}

/** One of a few. For one of many, `ComboBox`. */
export function Select<Id extends string>({
  label,
  choices,
  chosen,
  onChoose,
  placeholder,
  isLabelHidden = false,
}: Props<Id>) {
  return (
    <AriaSelect
      className={fields['field'] ?? ''}
      value={chosen}
      onChange={(key) => onChoose(key as Id)}
      placeholder={placeholder ?? 'Choose'}
      // It would not open: while what there is to choose is still read, a click would be lost.
      isDisabled={choices.length === 0}
      {...(isLabelHidden ? { 'aria-label': label } : {})}
    >
      {!isLabelHidden && <Label className={fields['label']}>{label}</Label>}
      <Button className={fields['trigger'] ?? ''}>
        <SelectValue />
        <Icon name="down" />
      </Button>
      <Popover className={lists['popover'] ?? ''}>
        <ListBox className={lists['list'] ?? ''} items={choices}>
          {(choice) => (
            <ListBoxItem className={lists['item'] ?? ''} textValue={choice.name}>
              {choice.name}
            </ListBoxItem>
          )}
        </ListBox>
      </Popover>
    </AriaSelect>
  );
}
