/**
 * The simulated PSAs that only the tests have. Importing this adds them to the table of simulators/psas.ts; `npm start` knows them,
 * too, when both tables are filled first:
 *
 *   npx tsx --import ./test/psas/register.ts --import ./test/psas/simulators.ts dev/stack/start.ts --psa differences --exit
 */
import { addSimulatedPsa, type SimulatedPsa } from '../../simulators/psas.ts';
import { createDifferences } from './differences/simulator/simulation.ts';
import { users } from './differences/simulator/users.ts';

const register = 'test/psas/register.ts';

const testSimulators: Readonly<Record<string, SimulatedPsa>> = {
  differences: {
    name: 'Deltadesk',
    main: 'test/psas/differences/simulator/main.ts',
    register,
    port: 8403,
    create: createDifferences,
    environment: {},
    credentials: (url, user = 'full') => ({ site: url, key: users[user]?.key, secret: users[user]?.secret }),
    requests: {
      checkRights: { method: 'GET', path: '/v2/me$' },
      readLines: { method: 'GET', path: '/v2/positions$' },
      setQuantity: { method: 'POST', path: '/v2/changes$' },
      createTicket: { method: 'POST', path: '/v2/cases$' },
      addNote: { method: 'POST', path: '/v2/cases/\\d+/entries$' },
    },
    fewerRows: { some: { sees: 10 }, all: { sees: null } },
  },
};

for (const [kind, psa] of Object.entries(testSimulators)) addSimulatedPsa(kind, psa);
