import { FileTrigger } from 'react-aria-components';
import { Button } from './Button.tsx';

interface Props {
  children: string;
  /** Media types and endings. */
  accepts: string[];
  onChoose: (file: File) => void;
}

/** Asks for one file of this machine. */
export function FileButton({ children, accepts, onChoose }: Props) {
  return (
    <FileTrigger
      acceptedFileTypes={accepts}
      onSelect={(files) => {
        const file = files?.item(0);
        if (file) onChoose(file);
      }}
    >
      <Button>{children}</Button>
    </FileTrigger>
  );
}
