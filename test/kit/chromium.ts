/** Finds a real Chromium for the tests of pages, or installs one; the tests are never skipped. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { chromium, type Browser } from 'playwright-core';

const run = promisify(execFile);

/** The one without windows first: it is the same engine, and computes two fifths less in a test (measured). */
const names = [
  'chromium-headless-shell',
  'chromium',
  'chromium-browser',
  'google-chrome',
  'google-chrome-stable',
  'chrome',
];
const macApps = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

/**
 * @returns the path of a Chromium: `CHROMIUM_PATH`, an installed Chrome or Chromium, or Playwright's own; if there is none,
 * one is installed now, by `apt-get` (as root on Debian) or as Playwright's download
 * @throws Error that lists what was tried when none could be installed
 */
export async function findChromium(): Promise<string> {
  const given = process.env['CHROMIUM_PATH'];
  if (given) {
    if (!existsSync(given)) throw new Error(`CHROMIUM_PATH is ${given}, where there is nothing.`);
    return given;
  }
  const there = installed() ?? playwrights();
  if (there) return there;
  const failures: string[] = [];
  for (const [how, install] of installers()) {
    try {
      process.stderr.write(`No Chromium is here; ${how} …\n`);
      await install();
      const found = installed() ?? playwrights();
      if (found) return found;
      failures.push(`${how}: it is not there afterwards`);
    } catch (error) {
      failures.push(`${how}: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`);
    }
  }
  throw new Error(
    `The tests of pages need a Chromium, and none was found. Install Chrome or Chromium, or set CHROMIUM_PATH.\n${failures.join('\n')}`,
  );
}

/** What Chromium is told to leave off. Its last list holds, so this one begins with Playwright's own. */
const disabledFeatures = [
  'AvoidUnnecessaryBeforeUnloadCheckSync',
  'DestroyProfileOnBrowserClose',
  'DialMediaRouteProvider',
  'GlobalMediaControls',
  'HttpsUpgrades',
  'LensOverlay',
  'MediaRouter',
  'PaintHolding',
  'ThirdPartyStoragePartitioning',
  'BlockOriginHeaderModificationOnRedirect',
  'AvoidCorsURLLoaderRestartOnRedirect',
  'Translate',
  'AutoDeElevate',
  'OptimizationHints',
  'NetworkTimeServiceQuerying',
  'AimEnabled',
  // Pages of its own behind each window's address bar, which nobody sees: half of all that Chromium computed (measured).
  'WebUIOmniboxPopup',
  'WebUIOmniboxAimPopup',
];

/** The one browser of this test process. */
let launched: Promise<Browser> | undefined;

/**
 * Launches a Chromium, or hands out the one that an earlier file of this test process has left (`leaveChromium`).
 *
 * @param browserPath from `findChromium`
 */
export async function launchChromium(browserPath: string): Promise<Browser> {
  const there = await launched;
  launched = there?.isConnected() ? launched : launch(browserPath);
  return launched as Promise<Browser>;
}

/** Closes every page, and leaves the browser to the next file of this test process. It ends with that. */
export async function leaveChromium(browser: Browser | undefined): Promise<void> {
  for (const context of browser?.contexts() ?? []) await context.close();
}

function launch(browserPath: string): Promise<Browser> {
  return chromium.launch({
    executablePath: browserPath,
    args: [
      // Chromium's sandbox refuses root, as which containers and CI run; the only pages opened are our own.
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      // Without these flags it would call its maker's servers.
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--disable-quic',
      '--no-first-run',
      `--disable-features=${disabledFeatures.join(',')}`,
    ],
  });
}

function installed(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return [...folders.flatMap((folder) => names.map((name) => join(folder, name))), ...macApps].find((path) =>
    existsSync(path),
  );
}

function playwrights(): string | undefined {
  const path = chromium.executablePath();
  return existsSync(path) ? path : undefined;
}

function installers(): [string, () => Promise<unknown>][] {
  const limits = { timeout: 180_000, maxBuffer: 32 * 1024 * 1024 };
  const apt = (name: string): [string, () => Promise<unknown>] => [
    `installing the package ${name}`,
    async () => {
      await run('apt-get', ['update'], limits);
      await run('apt-get', ['install', '--yes', '--no-install-recommends', name], {
        ...limits,
        env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      });
    },
  ];
  const download: [string, () => Promise<unknown>] = [
    "downloading Playwright's",
    () => run(process.execPath, ['node_modules/playwright-core/cli.js', 'install', 'chromium'], limits),
  ];
  return process.getuid?.() === 0 && existsSync('/etc/debian_version')
    ? [apt('chromium-headless-shell'), apt('chromium'), download]
    : [download];
}
