import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';
import { compressed, withinBudget } from './budget.ts';
import { englishOnly } from './englishOnly.ts';

/** `npm run dev` shows the pages of a stack that runs already; another address by COUNTERSIGN_URL. */
const target = process.env['COUNTERSIGN_URL'] ?? 'http://127.0.0.1:8080';

export default defineConfig({
  plugins: [englishOnly(), react(), withinBudget({ firstLoad: 260_000, eachRoute: 60_000 }), compressed()],
  server: {
    port: 5173,
    proxy: Object.fromEntries(['/v1', '/auth', '/config.json', '/healthz'].map((path) => [path, { target }])),
  },
  build: {
    // The policy that the pages are served with allows no data: address.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1_000,
    reportCompressedSize: false,
    rolldownOptions: {
      output: {
        codeSplitting: {
          // What so many of the pages use comes with the first one, whichever it is: with the first load, and once.
          groups: [{ name: 'shared', minShareCount: 6 }],
        },
      },
    },
  },
});
