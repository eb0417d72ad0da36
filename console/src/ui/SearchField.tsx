import { useEffect, useRef, useState } from 'react';
import { Button, Input, Label, SearchField as AriaSearchField } from 'react-aria-components';
import { Icon } from './Icon.tsx';
import fields from './Field.module.css';

/** How long nothing may be typed before it is searched for. */
const pauseMs = 250;

interface Props {
  label: string;
  placeholder: string;
  /** Told what to search for when typing has paused. */
  onSearch: (text: string) => void;
  /** What is searched for when the page opens, such as the address says. */
  initial?: string;
}

export function SearchField({ label, placeholder, onSearch, initial = '' }: Props) {
  const [text, setText] = useState(initial);
  const told = useRef(initial);
  useEffect(() => {
    if (text === told.current) return;
    const timer = setTimeout(() => {
      told.current = text;
      onSearch(text);
    }, pauseMs);
    return () => clearTimeout(timer);
  }, [text, onSearch]);
  return (
    <AriaSearchField className={fields['field'] ?? ''} value={text} onChange={setText}>
      <Label className={fields['label']}>{label}</Label>
      <div className={fields['group']}>
        <Input className={fields['input'] ?? ''} placeholder={placeholder} />
        {text !== '' && (
          <Button aria-label={`Clear ${label}`}>
            <Icon name="close" />
          </Button>
        )}
      </div>
    </AriaSearchField>
  );
}
