import { createLink } from '@tanstack/react-router';
import type { AnchorHTMLAttributes, Ref } from 'react';
import styles from './Button.module.css';
import { Icon } from './Icon.tsx';

interface Props extends Omit<AnchorHTMLAttributes<HTMLAnchorElement>, 'className'> {
  look?: 'plain' | 'main' | 'quiet';
  ref?: Ref<HTMLAnchorElement>;
}

function Anchor({ look = 'plain', ref, ...props }: Props) {
  return <a {...props} ref={ref} className={`${styles['button']} ${styles['link']} ${styles[look]}`} />;
}

/** A link to another page of ours that is what the page is for, so it looks like a button. */
export const LinkButton = createLink(Anchor);

interface AwayProps {
  /** null = nobody has said where that is, and there is no button. */
  href: string | null;
  look?: 'plain' | 'main';
  children: string;
}

/** A button that opens another site beside this one. */
export function AwayButton({ href, look, children }: AwayProps) {
  if (href === null) return null;
  return (
    <Anchor href={href} target="_blank" rel="noreferrer" {...(look === undefined ? {} : { look })}>
      {children}
      <Icon name="out" />
    </Anchor>
  );
}

/** A button that saves what an address of the API answers. @param query undefined values are left out */
export function DownloadButton({
  path,
  query = {},
  children,
}: {
  path: `/v1/${string}.csv`;
  query?: Record<string, string | undefined>;
  children: string;
}) {
  const given = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
  const search = new URLSearchParams(given).toString();
  return (
    <Anchor href={search === '' ? path : `${path}?${search}`} download>
      {children}
    </Anchor>
  );
}
