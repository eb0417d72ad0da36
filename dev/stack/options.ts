/** What may be said after `npm start --`, each option in words. */
import { parseArgs } from 'node:util';
import { simulatedPsas, usualPsa } from '../../simulators/psas.ts';

interface Option {
  type: 'boolean' | 'string';
  short?: string;
  /** What stands for its value in the help; absent = it has none. */
  value?: string;
  words: string;
}

const options = {
  help: { type: 'boolean', short: 'h', words: 'say what the options are, and start nothing' },
  unconnected: {
    type: 'boolean',
    words:
      'start the simulators with nothing connected, and print what to type in the console to connect them yourself',
  },
  exit: { type: 'boolean', words: 'go through the guide, verify, and stop; the exit status is 0 if every check holds' },
  report: { type: 'string', value: 'FILE', words: 'write the checks to a file, as JSON' },
  'no-demo': { type: 'boolean', words: 'start the same without simulators, for your real accounts' },
  customers: { type: 'string', value: 'N', words: 'how many customers the simulated MSP has (40)' },
  seed: { type: 'string', value: 'N', words: 'which simulated MSP: each number makes another one (7)' },
  psa: {
    type: 'string',
    value: 'NAME',
    words: `which PSA is simulated: ${Object.keys(simulatedPsas).join(', ')} (${usualPsa})`,
  },
  state: { type: 'string', value: 'DIR', words: 'the folder that keeps everything (.countersign)' },
  reset: { type: 'boolean', words: 'empty that folder first' },
} satisfies Record<string, Option>;

export interface StartOptions {
  exit: boolean;
  report: string | undefined;
  demo: boolean;
  /** With the demo: nothing is connected by itself. */
  unconnected: boolean;
  customers: number;
  seed: number;
  psa: string;
  state: string;
  reset: boolean;
}

/** Every option with its words. */
export function helpText(): string {
  const rows = Object.entries<Option>(options).map(([name, { short, value, words }]) => ({
    option: `${short ? `-${short}, ` : ''}--${name}${value ? ` ${value}` : ''}`,
    words,
  }));
  const width = Math.max(...rows.map(({ option }) => option.length)) + 2;
  const lines = rows.map(({ option, words }) => `  ${option.padEnd(width)}${words}`);
  return [
    'npm start -- [options]',
    '',
    'Starts PostgreSQL, Temporal, simulated Mailprotector and PSA, the API and a worker on this machine, goes through the guide',
    'once, prints the addresses, and stays up until Ctrl-C. Without options the next start goes on where the last one stopped.',
    '',
    ...lines,
  ].join('\n');
}

/**
 * Reads what was said after `npm start --`.
 *
 * @returns the options; `'help'` when they were asked for
 * @throws Error whose message is a sentence, for an option or a value that there is not
 */
export function readOptions(args: readonly string[]): StartOptions | 'help' {
  const { values, tokens } = parseArgs({
    args: [...args],
    options: Object.fromEntries(
      Object.entries<Option>(options).map(([name, { type, short }]) => [name, { type, ...(short ? { short } : {}) }]),
    ),
    strict: false,
    tokens: true,
  });
  for (const token of tokens) {
    if (token.kind === 'positional') throw new Error(`"${token.value}" is no option: every option begins with --.`);
    if (token.kind !== 'option') continue;
    const known: Option | undefined = Object.hasOwn(options, token.name)
      ? (options as Record<string, Option>)[token.name]
      : undefined;
    if (!known) throw new Error(`There is no option ${token.rawName}.`);
    if (known.value && (token.value ?? '') === '') throw new Error(`${token.rawName} needs a value: ${known.value}.`);
    if (!known.value && token.value !== undefined) throw new Error(`${token.rawName} takes no value.`);
  }
  if (values['help']) return 'help';
  const text = (name: keyof typeof options, usual: string) => String(values[name] ?? usual);
  const read = {
    exit: values['exit'] === true,
    report: typeof values['report'] === 'string' ? values['report'] : undefined,
    demo: values['no-demo'] !== true,
    unconnected: values['unconnected'] === true,
    customers: wholeNumber('customers', text('customers', '40')),
    seed: wholeNumber('seed', text('seed', '7')),
    psa: text('psa', usualPsa),
    state: text('state', '.countersign'),
    reset: values['reset'] === true,
  };
  if (read.unconnected && !read.demo)
    throw new Error('--unconnected is about the simulators, and --no-demo starts none. Choose one of the two.');
  if (read.unconnected && (read.exit || read.report !== undefined))
    throw new Error('--unconnected checks nothing, so it goes with neither --exit nor --report.');
  return read;
}

function wholeNumber(name: string, value: string): number {
  if (!/^\d{1,7}$/.test(value)) throw new Error(`--${name} needs a whole number, and "${value}" is none.`);
  return Number(value);
}
