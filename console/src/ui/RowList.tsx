import type { ReactNode } from 'react';
import {
  Collection,
  GridList,
  GridListItem,
  GridListLoadMoreItem,
  isTextDropItem,
  ListLayout,
  useDragAndDrop,
  Virtualizer,
} from 'react-aria-components';
import { Button } from './Button.tsx';
import { Icon } from './Icon.tsx';
import styles from './RowList.module.css';

/** What a list gives away, or takes, by dragging. Lists that exchange rows name the same kind. */
interface Dragging<T> {
  kind: string;
  /** Absent = its rows are not dragged. */
  isSource?: boolean;
  /** Called with the id of the row that was dropped, and the row that it was dropped on. */
  onDrop?: (id: string, on: T) => void;
  /** Whether a row takes what is dropped on it. */
  takes?: (on: T) => boolean;
}

interface Props<T> {
  label: string;
  rows: readonly T[];
  nameOf: (row: T) => string;
  children: (row: T) => ReactNode;
  /** In pixels, the same for every row. */
  rowHeight: number;
  /** Called when the end comes into sight; absent = everything is there. */
  onMore?: (() => void) | undefined;
  isReadingMore?: boolean;
  /** Shown when there is no row. */
  empty: ReactNode;
  dragging?: Dragging<T> | undefined;
}

/** A list of any length: only the rows in sight are in the page. Rows may be dragged to another list, onto a row of it. */
export function RowList<T extends { id: string }>(props: Props<T>) {
  const { label, rows, nameOf, children, rowHeight, onMore, isReadingMore = false, empty, dragging } = props;
  const find = (id: string) => rows.find((row) => row.id === id);
  const { dragAndDropHooks } = useDragAndDrop<T>({
    isDisabled: dragging === undefined,
    ...(dragging?.isSource
      ? { getItems: (keys: Set<unknown>) => [...keys].map((key) => ({ [dragging.kind]: String(key) })) }
      : {}),
    ...(dragging?.onDrop
      ? {
          acceptedDragTypes: [dragging.kind],
          getDropOperation: () => 'copy' as const,
          shouldAcceptItemDrop: ({ key }) => {
            const row = find(String(key));
            return row !== undefined && (dragging.takes?.(row) ?? true);
          },
          onItemDrop: ({ items, target }) => {
            const row = find(String(target.key));
            const [item] = items;
            if (row && item && isTextDropItem(item))
              void item.getText(dragging.kind).then((id) => dragging.onDrop?.(id, row));
          },
        }
      : {}),
  });
  const isSource = dragging?.isSource === true;
  return (
    <Virtualizer layout={ListLayout} layoutOptions={{ rowHeight, loaderHeight: rowHeight }}>
      <GridList
        aria-label={label}
        className={`react-aria-GridList ${styles['list']}`}
        // A short list ends with its last row, and leaves no empty box below it.
        style={{ height: onMore || rows.length === 0 ? '' : `min(100%, ${rows.length * rowHeight + 2}px)` }}
        dragAndDropHooks={dragAndDropHooks}
        renderEmptyState={() => <div className={styles['empty']}>{empty}</div>}
        selectionMode="none"
      >
        <Collection items={rows} dependencies={[children]}>
          {(row) => (
            <GridListItem className={styles['row'] ?? ''} textValue={nameOf(row)}>
              {isSource && (
                <Button slot="drag" look="icon" aria-label={`Drag ${nameOf(row)}`}>
                  <Icon name="grip" />
                </Button>
              )}
              {children(row)}
            </GridListItem>
          )}
        </Collection>
        {onMore && (
          <GridListLoadMoreItem className={styles['more'] ?? ''} onLoadMore={onMore} isLoading={isReadingMore}>
            Reading more …
          </GridListLoadMoreItem>
        )}
      </GridList>
    </Virtualizer>
  );
}
