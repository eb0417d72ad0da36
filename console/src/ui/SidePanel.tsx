import { useEffect, type ReactNode } from 'react';
import { Dialog as AriaDialog, Heading, Modal, ModalOverlay } from 'react-aria-components';
import { Button } from './Button.tsx';
import styles from './SidePanel.module.css';
import { Icon } from './Icon.tsx';

interface Props {
  title: string;
  /** A word about its state, below the title. */
  state?: ReactNode;
  onClose: () => void;
  children: ReactNode;
  /** Buttons, always in sight at the end. */
  actions?: ReactNode;
}

/** More about a row of the page, at its side; on a narrow screen over all of it. */
export function SidePanel({ title, state, onClose, children, actions }: Props) {
  useEffect(() => {
    // A button that is gone once it has done its work leaves the focus on the page itself, whose keys the dialog does not hear.
    const close = (event: KeyboardEvent) => {
      if (event.key === 'Escape' && event.target === document.body) onClose();
    };
    document.addEventListener('keydown', close);
    return () => document.removeEventListener('keydown', close);
  }, [onClose]);
  return (
    <ModalOverlay
      className={styles['shade'] ?? ''}
      isOpen
      isDismissable
      onOpenChange={(isOpen) => !isOpen && onClose()}
    >
      <Modal className={styles['modal'] ?? ''}>
        <AriaDialog className={styles['panel'] ?? ''}>
          <header className={styles['head']}>
            <div className={styles['title']}>
              <Heading slot="title" level={2}>
                {title}
              </Heading>
              {state}
            </div>
            <Button look="icon" aria-label="Close" onPress={onClose}>
              <Icon name="close" />
            </Button>
          </header>
          <div className={styles['body']}>{children}</div>
          {actions && <footer className={styles['actions']}>{actions}</footer>}
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}
