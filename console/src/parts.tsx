/** Every part of `ui/` in its states, at /parts.html of `npm run dev`. It is no page of the console, and is not built. */
import '@fontsource-variable/inter/index.css';
import './tokens.css';
import './base.css';
import { StrictMode, useState, type ReactNode } from 'react';
import { createRoot } from 'react-dom/client';
import { noAnswer } from './api/problem.ts';
import { applyTheme, chooseTheme, themes, useTheme } from './theme.ts';
import { Banner } from './ui/Banner.tsx';
import { Button } from './ui/Button.tsx';
import { ComboBox } from './ui/ComboBox.tsx';
import { Dialog } from './ui/Dialog.tsx';
import { EmptyState } from './ui/EmptyState.tsx';
import { FileButton } from './ui/FileButton.tsx';
import { formatCount } from './ui/format.ts';
import { Divider, Item, Menu } from './ui/Menu.tsx';
import { Page } from './ui/Page.tsx';
import { ProblemBanner } from './ui/ProblemBanner.tsx';
import { Radios } from './ui/Radios.tsx';
import { RowList } from './ui/RowList.tsx';
import { SearchField } from './ui/SearchField.tsx';
import { Select } from './ui/Select.tsx';
import { SidePanel } from './ui/SidePanel.tsx';
import { Skeleton } from './ui/Skeleton.tsx';
import { StatusWord } from './ui/StatusWord.tsx';
import { Switch } from './ui/Switch.tsx';
import { Table } from './ui/Table.tsx';
import { Tabs } from './ui/Tabs.tsx';
import { TextArea } from './ui/TextArea.tsx';
import { TextField } from './ui/TextField.tsx';
import { tell, tellProblem, Toasts } from './ui/Toast.tsx';
import { When } from './ui/When.tsx';
import styles from './parts.module.css';

const customers = Array.from({ length: 20_000 }, (_, at) => ({
  id: String(at),
  name: `Customer ${at}`,
  users: at % 97,
}));
const columns = [
  { id: 'name', title: 'Customer', cell: (row: (typeof customers)[number]) => row.name },
  {
    id: 'users',
    title: 'Users',
    isNumeric: true,
    cell: (row: (typeof customers)[number]) => formatCount(row.users),
  },
];
function Parts() {
  const theme = useTheme();
  const [isOpen, setOpen] = useState(false);
  const [isBeside, setBeside] = useState(false);
  const [search, setSearch] = useState('');
  const [text, setText] = useState('');
  const [searched, setSearched] = useState('');
  const [isOn, setOn] = useState(false);
  const [radio, setRadio] = useState<'add' | 'highest' | null>(null);
  const found = customers.filter(({ name }) => name.toLowerCase().includes(search.toLowerCase())).slice(0, 100);
  return (
    <main>
      <Page
        title="Parts"
        lead="Every part that the pages are made of."
        actions={
          <Select
            label="Colours"
            choices={themes.map((id) => ({ id, name: id }))}
            chosen={theme}
            onChoose={chooseTheme}
          />
        }
      >
        <Part name="Button">
          <Button look="main">Main</Button> <Button>Plain</Button> <Button look="quiet">Quiet</Button>{' '}
          <Button look="danger">Danger</Button> <Button isDisabled>Not now</Button>
        </Part>
        <Part name="StatusWord">
          <StatusWord tone="good">Healthy</StatusWord> <StatusWord tone="care">Needs attention</StatusWord>{' '}
          <StatusWord tone="bad">Failing</StatusWord> <StatusWord tone="busy">At work</StatusWord>{' '}
          <StatusWord tone="waiting">Waits</StatusWord> <StatusWord tone="held">Held</StatusWord>{' '}
          <StatusWord tone="quiet">Not needed</StatusWord>
        </Part>
        <Part name="TextField, ComboBox">
          <TextField label="Company id" description="Where you sign in to your PSA." />
          <TextField label="Key" isInvalid error="This key is not known." defaultValue="abc" />
          <TextArea label="Text" value={text} onChange={setText} rows={3} />
          <ComboBox label="Map to" choices={found} onSearch={setSearch} onChoose={() => undefined} />
        </Part>
        <Part name="Banner, Problem, EmptyState, Skeleton">
          <Banner title="For your information">Nothing has to be done.</Banner>
          <Banner tone="care" title="Look at this" action={<Button>Look</Button>}>
            It can wait until tomorrow.
          </Banner>
          <ProblemBanner error={noAnswer()} onRetry={() => undefined} />
          <EmptyState title="Nothing here yet">It comes with the first sync.</EmptyState>
          <Skeleton label="Reading …" rows={3} />
        </Part>
        <Part name="Table of 20,000 rows">
          <Table label="Customers" columns={columns} rows={customers} nameOf={(row) => row.name} height={300} />
        </Part>
        <Part name="Two lists of 20,000 rows, and dragging between them">
          <SearchField label="Search" placeholder="Two characters or more" onSearch={setSearched} />
          <Switch isSelected={isOn} onChange={setOn}>
            Hide mapped
          </Switch>
          <div className={styles['lists']}>
            <RowList
              label="Companies"
              rows={customers}
              nameOf={(row) => row.name}
              rowHeight={36}
              dragging={{ kind: 'company', isSource: true }}
              empty="Nothing is there."
            >
              {(row) => <span>{row.name}</span>}
            </RowList>
            <RowList
              label="Customers to map"
              rows={customers}
              nameOf={(row) => row.name}
              rowHeight={36}
              dragging={{ kind: 'company', onDrop: (id, on) => tell('Dropped', `${id} on ${on.name}`) }}
              empty="Nothing is there."
            >
              {(row) => <span>{row.name}</span>}
            </RowList>
          </div>
          <Radios
            label="One of a few"
            description={searched}
            choices={[
              { id: 'add', name: 'Add', detail: '345 seats of 12 customers.' },
              { id: 'highest', name: 'Highest', detail: '210 seats of 12 customers.' },
            ]}
            chosen={radio}
            onChoose={setRadio}
          />
          <FileButton accepts={['.csv']} onChoose={(file) => tell('Chosen', file.name)}>
            Import …
          </FileButton>
        </Part>
        <Part name="Tabs, Menu, Dialog, Toast, When">
          <Tabs
            label="Tabs"
            tabs={[
              { id: 'one', title: 'One', content: <p>The first.</p> },
              { id: 'two', title: 'Two', content: <p>The second.</p> },
            ]}
          />
          <Menu label="Menu" trigger={<Button>Menu</Button>}>
            <Item icon="out" name="Go" onDo={() => tell('Gone', 'It goes by itself.')} />
            <Divider />
            <Item icon="close" name="Fail" onDo={() => tellProblem(noAnswer())} />
          </Menu>
          <Button onPress={() => setOpen(true)}>Dialog</Button>
          <Dialog
            title="A dialog"
            isOpen={isOpen}
            onClose={() => setOpen(false)}
            actions={
              <>
                <Button onPress={() => setOpen(false)}>Not now</Button>
                <Button look="main" onPress={() => setOpen(false)}>
                  All right
                </Button>
              </>
            }
          >
            <p>It says what happens next.</p>
          </Dialog>
          <Button onPress={() => setBeside(true)}>Side panel</Button>
          {isBeside && (
            <SidePanel
              title="A row"
              state={<StatusWord tone="good">Delivered</StatusWord>}
              onClose={() => setBeside(false)}
              actions={<Button onPress={() => setBeside(false)}>All right</Button>}
            >
              <p>It says more of a row.</p>
            </SidePanel>
          )}
          <When at="2026-11-25T03:31:10.000Z" />, <When at="2026-11-25T03:31:10.000Z" as="age" />
        </Part>
      </Page>
      <Toasts />
    </main>
  );
}

function Part({ name, children }: { name: string; children: ReactNode }) {
  return (
    <section className={styles['part']}>
      <h2>{name}</h2>
      {children}
    </section>
  );
}

applyTheme();
const root = document.getElementById('root');
if (!root) throw new Error('The page has no root.');
createRoot(root).render(
  <StrictMode>
    <Parts />
  </StrictMode>,
);
