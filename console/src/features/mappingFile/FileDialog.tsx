import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ask } from '../../api/client.ts';
import { keys } from '../../api/keys.ts';
import type { Schema } from '../../api/types.ts';
import { Banner } from '../../ui/Banner.tsx';
import { Button } from '../../ui/Button.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { FileButton } from '../../ui/FileButton.tsx';
import { formatCount, formatMany } from '../../ui/format.ts';
import { ProblemBanner } from '../../ui/ProblemBanner.tsx';
import { tell } from '../../ui/Toast.tsx';
import type { Integration } from '../integrations/state.ts';
import { useMay } from '../me/queries.ts';
import styles from './MappingFile.module.css';

type Result = Schema<'MappingImport'>;

/** The mappings as a file: out, and in again with a look at what it would change. */
export function FileDialog({ integration, onClose }: { integration: Integration; onClose: () => void }) {
  const { id } = integration;
  const may = useMay('operate') && integration.disconnectedAt === null;
  const queryClient = useQueryClient();
  const [csv, setCsv] = useState('');
  const send = (body: { csv: string; apply?: boolean }, seen?: string) =>
    ask(
      api.POST('/v1/integrations/{id}/mappings/import', {
        params: {
          path: { id },
          query: seen === undefined ? {} : { seen },
          header: { 'idempotency-key': crypto.randomUUID() },
        },
        body: { apply: false, ...body },
      }),
    );
  const save = useMutation({ mutationFn: () => download(id) });
  const look = useMutation({
    mutationFn: async (file: File) => {
      const text = await file.text();
      setCsv(text);
      return send({ csv: text });
    },
  });
  const apply = useMutation({
    mutationFn: (seen: string) => send({ csv, apply: true }, seen),
    onSuccess: ({ changes }) => {
      tell('The mapping file was imported', `${formatMany(changes.length, 'mapping', 'mappings')} changed.`);
      void queryClient.invalidateQueries({ queryKey: keys.mappings.all });
      onClose();
    },
  });
  const shown = look.data;
  const failed = apply.error ?? look.error ?? save.error;
  return (
    <Dialog
      title="Mapping file"
      isOpen
      onClose={onClose}
      actions={
        <>
          <Button onPress={() => save.mutate()} isDisabled={save.isPending}>
            Export
          </Button>
          {may && (
            <FileButton
              accepts={['.csv', 'text/csv']}
              onChoose={(file) => {
                apply.reset();
                look.mutate(file);
              }}
            >
              {shown ? 'Another file' : 'Import …'}
            </FileButton>
          )}
          {shown && shown.errors.length === 0 && shown.changes.length > 0 && (
            <Button look="main" onPress={() => apply.mutate(shown.version)} isDisabled={apply.isPending}>
              {`Make ${formatMany(shown.changes.length, 'change', 'changes')}`}
            </Button>
          )}
        </>
      }
    >
      {failed && <ProblemBanner error={failed} />}
      {look.isPending && <p role="status">Reading the file …</p>}
      {shown ? (
        <Shown result={shown} />
      ) : (
        !look.isPending && (
          <p>
            Export all mappings of accounts and services as a CSV file for a spreadsheet, or import one. Before anything
            is changed you see what the file would change.
          </p>
        )
      )}
    </Dialog>
  );
}

/** As many lines as a person reads; the rest is counted. */
const shownLines = 200;

function Shown({ result: { changes, unchanged, errors } }: { result: Result }) {
  if (errors.length > 0) {
    return (
      <Banner tone="bad" title={`${formatMany(errors.length, 'line', 'lines')} cannot be read: nothing is changed`}>
        <ul className={styles['lines']} aria-label="What is wrong">
          {errors.slice(0, shownLines).map(({ line, message }) => (
            <li key={`${line} ${message}`}>
              Line {line}: {message}
            </li>
          ))}
        </ul>
        <Rest of={errors.length} />
      </Banner>
    );
  }
  return (
    <>
      <p role="status">
        {changes.length === 0
          ? 'The file says what is mapped already: nothing would change.'
          : `The file would change ${formatMany(changes.length, 'mapping', 'mappings')}.`}{' '}
        {unchanged > 0 && `${formatMany(unchanged, 'line stays', 'lines stay')} as it is.`}
      </p>
      {changes.length > 0 && (
        <ul className={styles['lines']} aria-label="What would change">
          {changes.slice(0, shownLines).map(({ line, name, before, after }) => (
            <li key={line}>
              <strong>{name}</strong> is {before}, would be <strong>{after}</strong>
            </li>
          ))}
        </ul>
      )}
      <Rest of={changes.length} />
    </>
  );
}

function Rest({ of }: { of: number }) {
  return of > shownLines ? <p>… and {formatCount(of - shownLines)} more.</p> : null;
}

/** Saves the file under the name that the API gives it. */
async function download(id: string): Promise<void> {
  const asked = api.GET('/v1/integrations/{id}/mappings.csv', { params: { path: { id } }, parseAs: 'text' });
  const csv = await ask(asked);
  const { response } = await asked;
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([csv], { type: 'text/csv' }));
  link.download = /filename="([^"]+)"/.exec(response.headers.get('content-disposition') ?? '')?.[1] ?? 'mappings.csv';
  link.click();
  URL.revokeObjectURL(link.href);
}
