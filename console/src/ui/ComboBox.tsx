import {
  Button,
  ComboBox as AriaComboBox,
  Input,
  Label,
  ListBox,
  ListBoxItem,
  ListLayout,
  Popover,
  Text,
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
  /** What is typed begins here: in a dialog that asks for nothing else. */
  autoFocus?: boolean;
  description?: string;
}

/** One of many, found by typing. */
export function ComboBox({
  label,
  choices,
  onSearch,
  onChoose,
  isLoading = false,
  nothing = 'Nothing fits.',
  autoFocus = false,
  description,
}: Props) {
  const rowHeight = choices.some(({ detail }) => detail !== undefined) ? 48 : 32;
  return (
    <AriaComboBox
      className={fields['field'] ?? ''}
      items={choices}
      onInputChange={onSearch}
      onChange={(key) => onChoose(key === null ? null : String(key))}
      allowsEmptyCollection
      // What was typed stays when the focus goes, such as to the dialog of a session that has ended.
      allowsCustomValue
      menuTrigger="focus"
      autoFocus={autoFocus}
    >
      <Label className={fields['label']}>{label}</Label>
      <div className={fields['group']}>
        <Input className={fields['input'] ?? ''} />
        <Button aria-label="Show choices">
          <Icon name="down" />
        </Button>
      </div>
      {description !== undefined && (
        <Text slot="description" className={fields['description']}>
          {description}
        </Text>
      )}
      <Popover className={lists['popover'] ?? ''}>
        <Virtualizer layout={ListLayout} layoutOptions={{ rowHeight, padding: 4 }}>
          <ListBox<Choice>
            className={`${lists['list']} ${lists['many']}`}
            // A short list leaves no empty box below it.
            style={{ height: choices.length === 0 ? 'auto' : `min(260px, ${choices.length * rowHeight + 8}px)` }}
            renderEmptyState={() => <p className={lists['nothing']}>{isLoading ? 'Searching …' : nothing}</p>}
          >
            {(choice) => (
              <ListBoxItem className={lists['item'] ?? ''} textValue={choice.name}>
                <span className={lists['words']}>
                  {/* All that is seen is its name: two of one name are told apart by what stands below. */}
                  <span>{choice.name}</span>
                  {choice.detail !== undefined && <span className={lists['detail']}>{choice.detail}</span>}
                </span>
              </ListBoxItem>
            )}
          </ListBox>
        </Virtualizer>
      </Popover>
    </AriaComboBox>
  );
}
