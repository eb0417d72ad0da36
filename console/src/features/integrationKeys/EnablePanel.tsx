import { useEffect, useState } from 'react';
import { api, ask } from '../../api/client.ts';
import type { Schema } from '../../api/types.ts';
import { Button } from '../../ui/Button.tsx';
import { AwayButton } from '../../ui/LinkButton.tsx';
import { Actions, Section, Soft } from '../../ui/Section.tsx';
import { StatusWord } from '../../ui/StatusWord.tsx';
import { tellProblem } from '../../ui/Toast.tsx';
import { useMay } from '../me/queries.ts';
import { Instructions } from '../catalogue/Instructions.tsx';
import { KeyOnce } from './KeyOnce.tsx';
import { forgetKey, heldKey } from './shownKey.ts';

interface Props {
  integrationId: string;
  vendor: Schema<'Vendor'>;
}

/** The key, and what to do with it in the vendor's own pages. It goes when the vendor has accepted the key. */
export function EnablePanel({ integrationId, vendor }: Props) {
  const [key, setKey] = useState(() => heldKey(integrationId));
  const may = useMay('admin');
  const [isAtWork, setAtWork] = useState(false);
  useEffect(() => forgetKey, []);
  // No mutation of the query client: it would keep the answer, which holds the key.
  const renew = async () => {
    setAtWork(true);
    try {
      const issued = await ask(
        api.POST('/v1/integrations/{id}/key', {
          params: { path: { id: integrationId }, header: { 'idempotency-key': crypto.randomUUID() } },
          body: { overlapHours: 0 },
        }),
      );
      setKey(issued.key);
    } catch (error) {
      tellProblem(error);
    }
    setAtWork(false);
  };
  return (
    <>
      <Section title="Copy the API key">
        {key === undefined ? (
          <>
            <Soft>
              The key of this integration was shown once, when it was made. If nobody has saved it, make a new one: the
              old one stops working at once.
            </Soft>
            <Actions>
              {may && (
                <Button onPress={() => void renew()} isDisabled={isAtWork}>
                  Make a new key
                </Button>
              )}
            </Actions>
          </>
        ) : (
          <>
            <Soft>Each integration has a key of its own. {vendor.name} uses this one to send to Countersign.</Soft>
            <KeyOnce value={key} />
          </>
        )}
      </Section>
      <Section title={`Enable it in the ${vendor.portal.name}`}>
        <Instructions steps={vendor.portal.enable} />
        {vendor.portal.note !== null && <Soft>{vendor.portal.note}</Soft>}
        <Actions>
          <AwayButton href={vendor.portal.url} look="main">
            Open Portal
          </AwayButton>
          <StatusWord tone="waiting">{`Waits until ${vendor.name} has accepted the key`}</StatusWord>
        </Actions>
      </Section>
    </>
  );
}
