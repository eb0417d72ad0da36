import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ask } from '../../api/client.ts';
import { keys } from '../../api/keys.ts';
import type { Schema } from '../../api/types.ts';
import { Banner } from '../../ui/Banner.tsx';
import { Button } from '../../ui/Button.tsx';
import { EmptyState } from '../../ui/EmptyState.tsx';
import { Loaded } from '../../ui/Loaded.tsx';
import { ProblemBanner } from '../../ui/ProblemBanner.tsx';
import { Actions, Section, Soft } from '../../ui/Section.tsx';
import { Select } from '../../ui/Select.tsx';
import { Skeleton } from '../../ui/Skeleton.tsx';
import { StatusWord } from '../../ui/StatusWord.tsx';
import { tell, tellProblem } from '../../ui/Toast.tsx';
import { psasQuery } from '../catalogue/queries.ts';
import type { Integration } from '../integrations/state.ts';
import { useMay } from '../me/queries.ts';
import { psaConnectionQuery } from '../psaConnections/queries.ts';
import { RightsTable, rightsWord } from '../psaConnections/RightsTable.tsx';
import { alertSettingsQuery, boardsQuery } from './queries.ts';

/** Whether alerts can become tickets, and where the tickets go. */
export function BoardPanel({ integration }: { integration: Integration }) {
  const { id, psaConnectionId } = integration;
  const queryClient = useQueryClient();
  const may = useMay('operate');
  const connection = useQuery(psaConnectionQuery(psaConnectionId));
  const psas = useQuery(psasQuery);
  const psa = psas.data?.items.find((each) => each.id === connection.data?.kind);
  const steps = [...integration.process.steps, ...(integration.migration?.steps ?? [])];
  const isChecking = steps.some(({ step, state }) => step === 'checkPermissions' && state === 'running');
  const check = useMutation({
    mutationFn: () =>
      ask(
        api.POST('/v1/integrations/{id}/permissions/check', {
          params: { path: { id }, header: { 'idempotency-key': crypto.randomUUID() } },
        }),
      ),
    onSuccess: () => {
      void queryClient.invalidateQueries({ queryKey: keys.integrations.one(id) });
      void queryClient.invalidateQueries({ queryKey: keys.psaConnections.one(psaConnectionId) });
    },
    onError: tellProblem,
  });
  return (
    <Loaded query={connection} what="The rights" loading={<Skeleton label="Reading the rights …" />}>
      {({ alertPermissions, alertPermissionsAt }) => {
        const rights = psa && rightsWord(psa, 'alerts', alertPermissions);
        return (
          <>
            <Section
              title="Check Permissions"
              aside={
                check.isPending || isChecking ? (
                  <StatusWord tone="busy">Being checked</StatusWord>
                ) : (
                  rights && <StatusWord tone={rights.tone}>{rights.word}</StatusWord>
                )
              }
            >
              {psa && <RightsTable psa={psa} module="alerts" checked={alertPermissions} />}
              {may && (
                <Actions>
                  <Button onPress={() => check.mutate()} isDisabled={check.isPending}>
                    Check Permissions
                  </Button>
                </Actions>
              )}
            </Section>
            <Board integration={integration} readAt={alertPermissionsAt} words={psa?.words.board.one ?? 'board'} />
          </>
        );
      }}
    </Loaded>
  );
}

/** The id of the choice of no type: no PSA's id is blank. */
const noType = ' ';

interface BoardProps {
  integration: Integration;
  /** When Check Permissions has read the boards; null = not yet. */
  readAt: string | null;
  /** What the PSA calls a board. */
  words: string;
}

function Board({ integration: { id, psaConnectionId }, readAt, words }: BoardProps) {
  const queryClient = useQueryClient();
  const may = useMay('operate');
  const settings = useQuery(alertSettingsQuery(id));
  const boards = useQuery({ ...boardsQuery(psaConnectionId, readAt), enabled: readAt !== null });
  const [picked, setPicked] = useState<string | null>(null);
  const [pickedType, setPickedType] = useState<string | null>(null);
  const choose = useMutation({
    mutationFn: (body: Partial<Schema<'BoardChoice'>> & { boardId: string }) =>
      ask(api.PUT('/v1/integrations/{id}/board', { params: { path: { id } }, body })),
    onSuccess: (data) => {
      setPickedType(null);
      queryClient.setQueryData(keys.alertSettings.of(id), data);
      void queryClient.invalidateQueries({ queryKey: keys.integrations.one(id) });
      tell(`The ${words} was chosen`);
    },
  });
  const title = `Select the ${words}`;
  if (readAt === null)
    return (
      <Section title={title}>
        <Soft>Check Permissions reads the list to choose from.</Soft>
      </Section>
    );
  return (
    <Section title={title}>
      <Loaded query={boards} what="The choices" loading={<Skeleton label="Reading the list …" rows={2} />}>
        {({ items }) => {
          const usable = items.filter(({ statuses }) => statuses !== null && statuses.length > 0);
          const set = settings.data?.board ?? null;
          const chosen = picked ?? set?.boardId ?? null;
          const now = usable.find((board) => board.id === set?.boardId);
          const types = (usable.find(({ id: of }) => of === chosen)?.types ?? []).filter(({ active }) => active);
          const type = pickedType ?? (chosen === set?.boardId ? set?.typeId : null) ?? noType;
          if (usable.length === 0)
            return (
              <EmptyState title="There is none to choose">
                Alerts need a {words} that takes tickets and whose statuses can be read. Check the rights above, then
                Check Permissions again.
              </EmptyState>
            );
          return (
            <>
              <Soft>Tickets of alerts go there.{now ? ` Now: ${now.name}.` : ''}</Soft>
              {!may && <Banner title="You may look, but not choose">Ask an operator or admin.</Banner>}
              {choose.error && <ProblemBanner error={choose.error} />}
              {may && (
                <>
                  <Select
                    label={words.charAt(0).toUpperCase() + words.slice(1)}
                    choices={usable.map((board) => ({ id: board.id, name: board.name }))}
                    chosen={chosen}
                    onChoose={(board) => {
                      setPicked(board);
                      setPickedType(null);
                    }}
                  />
                  {types.length > 0 && (
                    <Select
                      label="Type"
                      choices={[
                        { id: noType, name: 'None' },
                        ...types.map((each) => ({ id: each.id, name: each.name })),
                      ]}
                      chosen={type}
                      onChoose={setPickedType}
                    />
                  )}
                  <Actions>
                    <Button
                      look="main"
                      isDisabled={(picked ?? pickedType) === null || choose.isPending}
                      onPress={() => {
                        if (chosen === null) return;
                        // Of the same board the status and the priorities stay as they are.
                        const same = set?.boardId === chosen ? set : {};
                        choose.mutate({ ...same, boardId: chosen, typeId: type === noType ? null : type });
                      }}
                    >
                      {`Use this ${words}`}
                    </Button>
                  </Actions>
                </>
              )}
            </>
          );
        }}
      </Loaded>
    </Section>
  );
}
