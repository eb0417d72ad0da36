import type { ReactNode } from 'react';
import { Dialog as AriaDialog, Heading, Modal, ModalOverlay } from 'react-aria-components';
import { Button } from './Button.tsx';
import styles from './Dialog.module.css';
import { Icon } from './Icon.tsx';

interface Props {
  title: string;
  isOpen: boolean;
  /** Absent = it cannot be closed: something has to be answered first. */
  onClose?: () => void;
  children: ReactNode;
  /** For a table. */
  isWide?: boolean;
  /** Buttons, the one that does it last. */
  actions?: ReactNode;
}

export function Dialog({ title, isOpen, onClose, isWide = false, children, actions }: Props) {
  return (
    <ModalOverlay
      className={styles['shade'] ?? ''}
      isOpen={isOpen}
      onOpenChange={(open) => !open && onClose?.()}
      isDismissable={onClose !== undefined}
      isKeyboardDismissDisabled={onClose === undefined}
    >
      <Modal className={`${styles['modal']} ${isWide ? styles['wide'] : ''}`}>
        <AriaDialog className={styles['dialog'] ?? ''}>
          <header className={styles['head']}>
            <Heading slot="title" level={2}>
              {title}
            </Heading>
            {onClose && (
              <Button look="icon" aria-label="Close" onPress={onClose}>
                <Icon name="close" />
              </Button>
            )}
          </header>
          {children}
          {actions && <footer className={styles['actions']}>{actions}</footer>}
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}
