import type { Schema } from '../../api/types.ts';
import { AwayButton, LinkButton } from '../../ui/LinkButton.tsx';
import { Actions, Section, Soft } from '../../ui/Section.tsx';

interface Props {
  vendor: Schema<'Vendor'>;
  /** Whether this person may connect it, and a PSA is there to connect it to. */
  canConnect: boolean;
  /** Whether it is connected already: connecting it again is possible, and seldom meant. */
  isConnected: boolean;
}

/** A vendor that can be connected: who supports the integration, and where. */
export function VendorCard({ vendor, canConnect, isConnected }: Props) {
  const { name, support, modules } = vendor;
  return (
    <Section title={name}>
      <ul>
        {modules.map(({ module, title, text }) => (
          <li key={module}>
            <strong>{title}</strong>: {text}
          </li>
        ))}
      </ul>
      <Soft>{support.text}</Soft>
      <Actions>
        {canConnect && (
          <LinkButton
            to="/connect/$vendor"
            params={{ vendor: vendor.id }}
            {...(isConnected ? {} : { look: 'main' as const })}
            aria-label={isConnected ? `Connect another ${name}` : `Connect ${name}`}
          >
            {isConnected ? `Connect another ${name}` : 'Connect'}
          </LinkButton>
        )}
        <AwayButton href={support.url}>{`Support by ${support.by}`}</AwayButton>
      </Actions>
    </Section>
  );
}
