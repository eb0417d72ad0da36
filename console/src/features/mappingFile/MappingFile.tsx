import { lazyRouteComponent } from '../../lazyRouteComponent.ts';
import { Suspense, useState } from 'react';
import { Button } from '../../ui/Button.tsx';
import type { Integration } from '../integrations/state.ts';

// Loaded when it is first opened: a page may weigh only so much.
const FileDialog = lazyRouteComponent(() => import('./FileDialog.tsx'), 'FileDialog');

export function MappingFile({ integration }: { integration: Integration }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <Button onPress={() => setOpen(true)}>Mapping file</Button>
      <Suspense>{isOpen && <FileDialog integration={integration} onClose={() => setOpen(false)} />}</Suspense>
    </>
  );
}
