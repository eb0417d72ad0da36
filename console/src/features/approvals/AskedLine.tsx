import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ask } from '../../api/client.ts';
import { keys } from '../../api/keys.ts';
import { Button } from '../../ui/Button.tsx';
import { formatCount } from '../../ui/format.ts';
import { TextField } from '../../ui/TextField.tsx';
import { tell, tellProblem } from '../../ui/Toast.tsx';
import { showChanged } from '../cards/queries.ts';
import styles from './approvals.module.css';
import type { ApprovalLine } from './queries.ts';

/** Whether Countersign asks a person what the PSA holds, because a difference is never sent twice. */
export const isAsked = ({ state, problem }: ApprovalLine) => state === 'uncertain' && problem?.code === 'needs_answer';

/** The person says what the PSA holds for a line whose write may or may not have happened. */
export function AskedLine({ approvalId, line }: { approvalId: string; line: ApprovalLine }) {
  const [given, setGiven] = useState('');
  const queryClient = useQueryClient();
  const quantity = Number(given);
  const isGiven = given.trim() !== '' && Number.isFinite(quantity) && quantity >= 0;
  const settle = useMutation({
    mutationFn: () => {
      const params = { path: { id: approvalId, lineId: line.id } };
      return ask(api.POST('/v1/approvals/{id}/lines/{lineId}/settle', { params, body: { quantity } }));
    },
    onSuccess: () => {
      tell('Noted', 'The card shows what you saw.');
      void queryClient.invalidateQueries({ queryKey: keys.approvals.one(approvalId) });
      void queryClient.invalidateQueries({ queryKey: keys.approvals.lines(approvalId) });
      showChanged(queryClient);
    },
    onError: tellProblem,
  });
  return (
    <div className={styles['asked']}>
      <TextField
        label="What the line holds now, in the PSA"
        description={`It held ${formatCount(line.from)} before, and ${formatCount(line.to)} was sent. Look there before you answer: Countersign sends nothing again.`}
        value={given}
        onChange={setGiven}
        inputMode="decimal"
        isInvalid={given.trim() !== '' && !isGiven}
        error="A number from 0 on, as 43 or 43.5."
      />
      <Button onPress={() => settle.mutate()} isDisabled={!isGiven || settle.isPending}>
        This is what it holds
      </Button>
    </div>
  );
}
