import type { ReactNode } from 'react';
import {
  Header,
  Menu as AriaMenu,
  MenuItem,
  MenuSection,
  MenuTrigger,
  Popover,
  Separator,
} from 'react-aria-components';
import { Icon, type IconName } from './Icon.tsx';
import lists from './List.module.css';

interface Props {
  /** The button that opens it. */
  trigger: ReactNode;
  label: string;
  children: ReactNode;
}

export function Menu({ trigger, label, children }: Props) {
  return (
    <MenuTrigger>
      {trigger}
      <Popover className={lists['popover'] ?? ''} placement="bottom end">
        <AriaMenu className={lists['list'] ?? ''} aria-label={label}>
          {children}
        </AriaMenu>
      </Popover>
    </MenuTrigger>
  );
}

export function Item({ icon, name, onDo }: { icon?: IconName; name: string; onDo: () => void }) {
  return (
    <MenuItem className={lists['item'] ?? ''} onAction={onDo} textValue={name}>
      {icon && <Icon name={icon} />}
      {name}
    </MenuItem>
  );
}

/** A part of a menu under a title. */
export function Group({ title, children }: { title: string; children: ReactNode }) {
  return (
    <MenuSection>
      <Header className={lists['heading']}>{title}</Header>
      {children}
    </MenuSection>
  );
}

interface ChoicesProps<Id extends string> {
  title: string;
  choices: readonly { id: Id; name: string }[];
  chosen: Id;
  onChoose: (id: Id) => void;
}

/** A part of a menu in which one of a few is chosen. */
export function Choices<Id extends string>({ title, choices, chosen, onChoose }: ChoicesProps<Id>) {
  return (
    <MenuSection
      selectionMode="single"
      disallowEmptySelection
      selectedKeys={[chosen]}
      onSelectionChange={(keys) => {
        const found = choices.find(({ id }) => keys !== 'all' && keys.has(id));
        if (found) onChoose(found.id);
      }}
    >
      <Header className={lists['heading']}>{title}</Header>
      {choices.map(({ id, name }) => (
        <MenuItem key={id} id={id} className={lists['item'] ?? ''}>
          {name}
        </MenuItem>
      ))}
    </MenuSection>
  );
}

export function Divider() {
  return <Separator className={lists['separator'] ?? ''} />;
}
