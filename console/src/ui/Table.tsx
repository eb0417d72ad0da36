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
import { Icon } from './Icon.tsx';
import styles from './Table.module.css';

export interface TableColumn<T> {
  id: string;
  title: string;
  cell: (row: T) => ReactNode;
  /** Of numbers: to the right, so that their digits stand below each other. */
  isNumeric?: boolean;
  /** In pixels; absent = its share of what is left. */
  width?: number;
  /** It names the row; absent everywhere = the first one does. */
  isName?: boolean;
  /** Of sentences: over several lines, so that nothing of them is cut. */
  wraps?: boolean;
  /** How rows that are sorted by it go; absent = they are not. */
  sorts?: 'ascending' | 'descending';
}

interface Props<T> {
  label: string;
  columns: readonly TableColumn<T>[];
  rows: readonly T[];
  /** What the row is, in words, for typing ahead and for a screen reader. */
  nameOf: (row: T) => string;
  onOpen?: (row: T) => void;
  /** For thousands of rows: only those in sight are in the page, in a frame as high as this, in pixels. */
  height?: number;
  /** Shown when there is no row. */
  empty?: ReactNode;
  /** The row that sums up the others. */
  isTotal?: (row: T) => boolean;
  /** The column by which the rows are sorted, and what is told when another one is pressed. */
  sorted?: { by: string; onSort: (column: string) => void };
  /** What rows that follow each other have in common: it stands above them. */
  groupOf?: ((row: T) => string) | undefined;
  /** What the rows of a group come to, beside what they have in common and, by their ids, in columns; absent while not known. */
  sumsOf?: ((group: string) => GroupSums | undefined) | undefined;
}

export interface GroupSums {
  note: ReactNode;
  cells: Readonly<Record<string, ReactNode>>;
}

/** A row, or what the rows below it have in common. */
type Entry<T> = { id: string; row: T } | { id: string; group: string };

function entriesOf<T extends { id: string }>(
  rows: readonly T[],
  groupOf: ((row: T) => string) | undefined,
): Entry<T>[] {
  let last: string | undefined;
  return rows.flatMap((row): Entry<T>[] => {
    const group = groupOf?.(row);
    const isNew = group !== last;
    last = group;
    return [...(group !== undefined && isNew ? [{ id: `group ${row.id}`, group }] : []), { id: row.id, row }];
  });
}

function classesOf({ isNumeric, wraps }: Pick<TableColumn<never>, 'isNumeric' | 'wraps'>, isNaming: boolean): string {
  const given = [isNumeric && 'numeric', wraps && 'wraps', isNaming && 'naming'];
  return ['cell', ...given].flatMap((name) => (typeof name === 'string' ? [styles[name] ?? ''] : [])).join(' ');
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

function Grid<T extends { id: string }>(props: Props<T>) {
  const { label, columns, rows, nameOf, onOpen, height, empty, sorted, groupOf, sumsOf, isTotal } = props;
  const naming = (columns.find(({ isName }) => isName) ?? columns[0])?.id;
  const sorting = columns.find(({ id }) => id === sorted?.by);
  return (
    <AriaTable
      aria-label={label}
      className={`${styles['table']} ${height === undefined ? '' : styles['many']}`}
      {...(height === undefined ? {} : { style: { height } })}
      {...(sorting?.sorts ? { sortDescriptor: { column: sorting.id, direction: sorting.sorts } } : {})}
      {...(sorted ? { onSortChange: ({ column }) => sorted.onSort(String(column)) } : {})}
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
            isRowHeader={column.id === naming}
            allowsSorting={sorted !== undefined && column.sorts !== undefined}
            className={`${styles['heading']} ${column.isNumeric ? styles['numeric'] : ''} ${column.id === naming ? styles['naming'] : ''}`}
            {...(column.width === undefined
              ? {}
              : height === undefined
                ? { style: { width: column.width } }
                : { width: column.width })}
          >
            {column.title}
            {column.id === sorting?.id && <Icon name="down" className={styles[sorting.sorts ?? '']} />}
          </Column>
        )}
      </TableHeader>
      <TableBody items={entriesOf(rows, groupOf)} dependencies={[columns, sumsOf]} renderEmptyState={() => empty}>
        {(entry) =>
          'group' in entry ? (
            <GroupRow group={entry.group} columns={columns} sums={sumsOf?.(entry.group)} />
          ) : (
            <Row
              columns={columns}
              className={`${styles['row']} ${isTotal?.(entry.row) ? styles['total'] : ''}`}
              textValue={nameOf(entry.row)}
            >
              {(column) => (
                <Cell className={classesOf(column, column.id === naming)} data-title={column.title}>
                  {column.cell(entry.row)}
                </Cell>
              )}
            </Row>
          )
        }
      </TableBody>
    </AriaTable>
  );
}

/** What the rows below have in common: over all columns, or over those before the first number when their sums are known. */
function GroupRow<T>({
  group,
  columns,
  sums,
}: {
  group: string;
  columns: readonly TableColumn<T>[];
  sums: GroupSums | undefined;
}) {
  const before = sums ? columns.findIndex(({ id }) => id in sums.cells) : columns.length;
  return (
    <Row className={styles['group'] ?? ''} textValue={group}>
      <Cell className={styles['cell'] ?? ''} colSpan={before}>
        {group} {sums && <span className={styles['note']}>{sums.note}</span>}
      </Cell>
      {columns.slice(before).map(({ id, title, isNumeric }) => (
        <Cell key={id} className={`${styles['cell']} ${isNumeric ? styles['numeric'] : ''}`} data-title={title}>
          {sums?.cells[id]}
        </Cell>
      ))}
    </Row>
  );
}
