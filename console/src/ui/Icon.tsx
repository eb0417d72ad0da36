/** Small drawings, 16 pixels square, in the colour of the text beside them. A word always stands beside them. */
const paths = {
  reconcile: 'M3 4.5h10M3 8h6M3 11.5h4m2.5-.5 1.5 1.5 3-3.5',
  approvals: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12Zm-2.7-6 2 2 3.5-4',
  monthEnd: 'M3 4h10v9.5H3zM3 7h10M6 2.5v3m4-3v3M6 10.2l1.4 1.3L10 9',
  integrations: 'M6 2.5v3m4-3v3M4.5 5.5h7v2a3.5 3.5 0 0 1-7 0zM8 11v2.5',
  customers: 'M6.5 8a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5ZM2 13.5c.4-2.4 2-3.7 4.5-3.7s4.1 1.3 4.5 3.7M12.5 5v4m-2-2h4',
  alerts:
    'M8 2.5a3.7 3.7 0 0 0-3.7 3.7c0 3-1.3 4.3-1.3 4.3h10s-1.3-1.3-1.3-4.3A3.7 3.7 0 0 0 8 2.5ZM6.7 13a1.4 1.4 0 0 0 2.6 0',
  runs: 'M8 2.5a5.5 5.5 0 1 0 5.5 5.5M8 5v3l2 1.5M10.5 2.5h3v3',
  audit: 'M4 2.5h6l2.5 2.5v8.5h-8.5zM6 7.5h4m-4 2.5h4',
  settings: 'M3 4.5h5m3 0h2M3 8h2m3 0h5M3 11.5h6m3 0h1M8 3v3M5 6.5v3m4 .5v3',
  good: 'm3.5 8.5 3 3 6-7',
  care: 'M8 5.5v3.5m0 2.2v.1M8 2.5 14 13.5H2z',
  bad: 'M8 4.5V8.5m0 2.6v.1M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12Z',
  waiting: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12Zm0-9v3.2l2 1.3',
  busy: 'M13.5 8A5.5 5.5 0 1 1 8 2.5',
  quiet: 'M4 8h8',
  held: 'M6 4v8m4-8v8',
  person: 'M8 8a2.7 2.7 0 1 0 0-5.4A2.7 2.7 0 0 0 8 8Zm-5 5.5c.5-2.5 2.3-3.9 5-3.9s4.5 1.4 5 3.9',
  refresh: 'M13 3.5v3h-3M12.7 6.5A5 5 0 1 0 13 9',
  down: 'm4.5 6.5 3.5 3.5 3.5-3.5',
  close: 'm4.5 4.5 7 7m0-7-7 7',
  out: 'M6.5 3.5H3.5v9h9V9.5M9 2.5h4.5V7M13 3 7.5 8.5',
  menu: 'M3 4.5h10M3 8h10M3 11.5h10',
  filter: 'M2.5 4h11M4.5 8h7M6.5 12h3',
  grip: 'M6 4v.1M10 4v.1M6 8v.1M10 8v.1M6 12v.1M10 12v.1',
  exclude: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM3.8 3.8l8.4 8.4',
  undo: 'M3 6.5h6.5a3.5 3.5 0 0 1 0 7H6M5.5 3.5l-3 3 3 3',
  arrow: 'M3 8h10M9.5 4.5 13 8l-3.5 3.5',
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name, className }: { name: IconName; className?: string | undefined }) {
  return (
    <svg
      className={className}
      width="16"
      height="16"
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      <path d={paths[name]} />
    </svg>
  );
}
