import { useEffect, useEffectEvent, useRef, useState } from 'react';
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
  /** What is searched for when the page opens, such as the address says. It is shown, too, when it changes otherwise than by typing. */
  initial?: string;
}

export function SearchField({ label, placeholder, onSearch, initial = '' }: Props) {
  const [text, setText] = useState(initial);
  const told = useRef(initial);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    // Who is typing is not overtaken by what was typed before.
    if (initial === told.current || document.activeElement === input.current) return;
    told.current = initial;
    setText(initial);
  }, [initial]);
  const search = () => {
    if (text === told.current) return;
    told.current = text;
    onSearch(text);
  };
  const searchAfterPause = useEffectEvent(search);
  useEffect(() => {
    const timer = setTimeout(searchAfterPause, pauseMs);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    // Who leaves the field has typed enough. Later, a search could call back somebody who is on the way to another page.
    <AriaSearchField className={fields['field'] ?? ''} value={text} onChange={setText} onBlur={search}>
      <Label className={fields['label']}>{label}</Label>
      <div className={fields['group']}>
        <Input ref={input} className={fields['input'] ?? ''} placeholder={placeholder} />
        {text !== '' && (
          <Button aria-label={`Clear ${label}`}>
            <Icon name="close" />
          </Button>
        )}
      </div>
    </AriaSearchField>
  );
}
