import type { ReactNode } from 'react';
import {
  Cell,
  Column,
  Row,
  Table as AriaTable,
  TableBody,
  TableHeader,
  TableLayout,
  Virtualizer,
} from 'react-aria-components';
import styles from './Table.module.css';

export interface TableColumn<T> {
  id: string;
  title: string;
  cell: (row: T) => ReactNode;
  /** Of numbers: to the right, so that their digits stand below each other. */
  isNumeric?: boolean;
  /** In pixels; absent = its share of what is left. */
  width?: number;
}

interface Props<T> {
  label: string;
  /** The first one names the row. */
  columns: readonly TableColumn<T>[];
  rows: readonly T[];
  /** What the row is, in words, for typing ahead and for a screen reader. */
  nameOf: (row: T) => string;
  onOpen?: (row: T) => void;
  /** For thousands of rows: only those in sight are in the page, in a frame as high as this, in pixels. */
  height?: number;
  /** Shown when there is no row. */
  empty?: ReactNode;
}

const rowHeight = 36;

export function Table<T extends { id: string }>(props: Props<T>) {
  if (props.height === undefined) {
    return (
      <div className={styles['frame']}>
        <Grid {...props} />
      </div>
    );
  }
  return (
    <div className={styles['frame']}>
      <Virtualizer layout={TableLayout} layoutOptions={{ rowHeight, headingHeight: rowHeight }}>
        <Grid {...props} />
      </Virtualizer>
    </div>
  );
}

function Grid<T extends { id: string }>({ label, columns, rows, nameOf, onOpen, height, empty }: Props<T>) {
  const first = columns[0]?.id;
  return (
    <AriaTable
      aria-label={label}
      className={`${styles['table']} ${height === undefined ? '' : styles['many']}`}
      {...(height === undefined ? {} : { style: { height } })}
      {...(onOpen
        ? {
            onRowAction: (key) => {
              const row = rows.find(({ id }) => id === key);
              if (row) onOpen(row);
            },
          }
        : {})}
    >
      <TableHeader columns={columns}>
        {(column) => (
          <Column
            id={column.id}
            isRowHeader={column.id === first}
            className={`${styles['heading']} ${column.isNumeric ? styles['numeric'] : ''}`}
            {...(column.width === undefined
              ? {}
              : height === undefined
                ? { style: { width: column.width } }
                : { width: column.width })}
          >
            {column.title}
          </Column>
        )}
      </TableHeader>
      <TableBody items={rows} renderEmptyState={() => empty}>
        {(row) => (
          <Row columns={columns} className={styles['row'] ?? ''} textValue={nameOf(row)}>
            {(column) => (
              <Cell className={`${styles['cell']} ${column.isNumeric ? styles['numeric'] : ''}`}>
                {column.cell(row)}
              </Cell>
            )}
          </Row>
        )}
      </TableBody>
    </AriaTable>
  );
}
