import { useState } from 'react';
import { Button } from '../../ui/Button.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import type { PsaWords } from '../catalogue/queries.ts';
import styles from './mappings.module.css';

/** Further details on account and service mapping (G45). */
export function FurtherDetails({ words, vendor }: { words: PsaWords; vendor: string }) {
  const [isOpen, setOpen] = useState(false);
  const { account, product, productId, line } = words;
  return (
    <>
      <Button look="quiet" onPress={() => setOpen(true)}>
        Further details
      </Button>
      <Dialog title="Account and service mapping" isOpen={isOpen} onClose={() => setOpen(false)}>
        <dl className={styles['details']}>
          <dt>Accounts</dt>
          <dd>
            Each customer of {vendor} is billed as one {account.one} of the PSA. Names that are equal, character for
            character, and that occur once on both sides are matched by themselves; nothing else is. Several customers
            may be mapped to one {account.one}: what they use is added up.
          </dd>
          <dt>Three ways to map</dt>
          <dd>
            Drag a {account.one} from the left onto a customer on the right. Or press the filter button on the customer,
            which shows the nearest names and finds any other. Or export the mapping file, fill it in, and import it:
            you see what it would change before it does.
          </dd>
          <dt>Not mapped, and excluded</dt>
          <dd>
            A customer that is not mapped is not billed. One that never will be, such as your own, is excluded with the
            reason, and is asked for no more.
          </dd>
          <dt>Services</dt>
          <dd>
            Each service of {vendor} is billed as one or several {product.many}, found by {productId}. With several,
            each gets the whole count (Parts), or the one whose {line.one} the customer has gets it (Alternatives). When
            several services are billed as one {product.one}, say how they combine: Add, Highest or Distinct users.
          </dd>
        </dl>
      </Dialog>
    </>
  );
}
