/**
 * A rule of lint: outside connectors/ no file says which PSAs there are. The names are those of the folders in connectors/ that
 * have an `entry.ts`, so a new PSA needs no change here.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const connectors = fileURLToPath(new URL('../../connectors', import.meta.url));
const names = readdirSync(connectors).filter((name) => existsSync(join(connectors, name, 'entry.ts')));
const pattern = new RegExp(`(?:${names.join('|')})`, 'gi');

const nameNoPsa = {
  create(context) {
    return {
      Program() {
        const { text } = context.sourceCode;
        for (const { index, 0: name } of text.matchAll(pattern)) {
          const loc = {
            start: context.sourceCode.getLocFromIndex(index),
            end: context.sourceCode.getLocFromIndex(index + name.length),
          };
          context.report({
            loc,
            message: `Only connectors/ name a PSA; "${name}" comes from its entry in the registry.`,
          });
        }
      },
    };
  },
};

export default { meta: { name: 'countersign' }, rules: { 'name-no-psa': nameNoPsa } };
