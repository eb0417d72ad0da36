import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { Button } from '../../ui/Button.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { Facts } from '../../ui/Section.tsx';
import { Table, type TableColumn } from '../../ui/Table.tsx';
import { When } from '../../ui/When.tsx';
import { useIntegrationName } from '../integrations/names.ts';
import { usePsaConnectionName } from '../psaConnections/names.ts';
import styles from './Audit.module.css';
import type { AuditEntry } from './queries.ts';
import { apart, wordsOfAction, wordsOfChange } from './words.ts';

interface Row extends Omit<AuditEntry, 'id'> {
  id: string;
}

const columns: readonly TableColumn<Row>[] = [
  { id: 'at', title: 'When', width: 120, cell: (row) => <When at={row.at} /> },
  { id: 'who', title: 'Who', width: 150, cell: (row) => row.actorName },
  { id: 'what', title: 'What', width: 230, wraps: true, cell: (row) => wordsOfAction(row.action) },
  { id: 'about', title: 'About', width: 200, wraps: true, cell: (row) => <About entry={row} /> },
  { id: 'change', title: 'From → to', wraps: true, cell: (row) => wordsOfChange(row.before, row.after) },
];

/** Whose line, card or mapping it is, or which run, integration or connection; a link leads there. */
function About({ entry: { about, subjectKind, subjectId } }: { entry: Row }) {
  const integrationName = useIntegrationName();
  const connectionName = usePsaConnectionName();
  const name = [about?.account, about?.product].filter((each) => each !== null && each !== undefined).join(', ');
  if (about?.cardId)
    return (
      <Link to="/reconcile" search={{ card: about.cardId }}>
        {name}
      </Link>
    );
  if (subjectKind === 'approval')
    return (
      <Link to="/approvals/$id" params={{ id: subjectId }}>
        The approval
      </Link>
    );
  if (subjectKind === 'sync_run')
    return (
      <Link to="/runs/$id" params={{ id: subjectId }}>
        The run
      </Link>
    );
  if (subjectKind === 'alert')
    return (
      <Link to="/alerts" search={{ alert: subjectId }}>
        The alert
      </Link>
    );
  if (subjectKind === 'integration')
    return (
      <Link to="/integrations/$id" params={{ id: subjectId }}>
        {integrationName(subjectId) ?? 'The integration'}
      </Link>
    );
  if (subjectKind === 'psa_connection')
    return (
      <Link to="/psa-connections/$id" params={{ id: subjectId }}>
        {connectionName(subjectId) ?? 'The PSA connection'}
      </Link>
    );
  if (name !== '') return name;
  // A line that the PSA has no more is at least told by its id.
  return subjectKind === 'agreement_line' ? `Line ${subjectId}` : '—';
}

interface Props {
  entries: readonly AuditEntry[];
  /** Shows all that happened to one thing. */
  onFollow: (subject: { subjectKind: string; subjectId: string }) => void;
}

export function AuditTable({ entries, onFollow }: Props) {
  const [open, setOpen] = useState<Row>();
  return (
    <>
      <Table
        label="Audit"
        columns={columns}
        rows={entries.map((entry) => ({ ...entry, id: String(entry.id) }))}
        nameOf={(row) => `${row.actorName}, ${wordsOfAction(row.action)}`}
        onOpen={setOpen}
      />
      {open && (
        <Dialog
          title={wordsOfAction(open.action)}
          isOpen
          onClose={() => setOpen(undefined)}
          actions={
            <Button
              onPress={() => {
                setOpen(undefined);
                onFollow(open);
              }}
            >
              All about the same
            </Button>
          }
        >
          <Facts
            facts={[
              { name: 'When', value: <When at={open.at} /> },
              { name: 'Who', value: `${open.actorName} (${open.actor})` },
              { name: 'About', value: <About entry={open} /> },
              { name: 'Id', value: `${apart(open.subjectKind)} ${open.subjectId}` },
            ]}
          />
          <State title="Before" value={open.before} />
          <State title="After" value={open.after} />
        </Dialog>
      )}
    </>
  );
}

function State({ title, value }: { title: string; value: unknown }) {
  if (value == null) return null;
  return (
    <div>
      <h3>{title}</h3>
      {/* It can be scrolled, so the keyboard has to reach it. */}
      <pre className={styles['state']} tabIndex={0} aria-label={title}>
        {JSON.stringify(value, null, 2)}
      </pre>
    </div>
  );
}
