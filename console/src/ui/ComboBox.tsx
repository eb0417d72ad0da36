import {
  Button,
  ComboBox as AriaComboBox,
  Input,
  Label,
  ListBox,
  ListBoxItem,
  ListLayout,
  Popover,
  Virtualizer,
} from 'react-aria-components';
import { Icon } from './Icon.tsx';
import fields from './Field.module.css';
import lists from './List.module.css';
import type { Choice } from './Select.tsx';

interface Props {
  label: string;
  /** What fits what was typed. Search on the server: `onSearch` is told what is typed. */
  choices: readonly Choice[];
  onSearch: (text: string) => void;
  onChoose: (id: string | null) => void;
  isLoading?: boolean;
  /** Said in place of a list that is empty. */
  nothing?: string;
}

/** One of many, found by typing. */
export function ComboBox({ label, choices, onSearch, onChoose, isLoading = false, nothing = 'Nothing fits.' }: Props) {
  return (
    <AriaComboBox
      className={fields['field'] ?? ''}
      items={choices}
      onInputChange={onSearch}
      onChange={(key) => onChoose(key === null ? null : String(key))}
      allowsEmptyCollection
      menuTrigger="focus"
    >
      <Label className={fields['label']}>{label}</Label>
      <div className={fields['group']}>
        <Input className={fields['input'] ?? ''} />
        <Button aria-label="Show choices">
          <Icon name="down" />
        </Button>
      </div>
      <Popover className={lists['popover'] ?? ''}>
        <Virtualizer layout={ListLayout} layoutOptions={{ rowHeight: 32, padding: 4 }}>
          <ListBox<Choice>
            className={`${lists['list']} ${lists['many']}`}
            renderEmptyState={() => <p className={lists['nothing']}>{isLoading ? 'Searching …' : nothing}</p>}
          >
            {(choice) => (
              <ListBoxItem className={lists['item'] ?? ''} textValue={choice.name}>
                {choice.name}
              </ListBoxItem>
            )}
          </ListBox>
        </Virtualizer>
      </Popover>
    </AriaComboBox>
  );
}
