import { TextField } from './TextField.tsx';

interface Props {
  value: string;
  onChange: (reason: string) => void;
  /** What a reason may be, and what becomes of it. */
  description?: string;
  isInvalid: boolean;
  autoFocus?: boolean;
}

/** Asks for the reason of a decision; the API takes at most 500 characters. */
export function ReasonField(props: Props) {
  return <TextField label="Why" error="Say why, so that whoever looks at it later knows." maxLength={500} {...props} />;
}
