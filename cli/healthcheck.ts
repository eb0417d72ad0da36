/**
 * The image's HEALTHCHECK: ends with 0 if the process in this container is ready. An api and a worker answer on
 * different ports, and there is one of them in a container, so one good answer is enough.
 *
 *   healthcheck [URL …]   instead of /readyz on API_PORT and METRICS_PORT
 */
const ports = [process.env['API_PORT'] ?? '8080', process.env['METRICS_PORT'] ?? '9464'];
const given = process.argv.slice(2);
const urls = given.length > 0 ? given : ports.map((port) => `http://127.0.0.1:${port}/readyz`);

const asked = await Promise.all(
  urls.map((url) =>
    fetch(url, { signal: AbortSignal.timeout(4_000) }).then(
      ({ status, ok }) => ({ ok, said: `${url} answered ${status}` }),
      () => ({ ok: false, said: `${url} does not answer` }),
    ),
  ),
);
process.stdout.write(`${asked.map(({ said }) => said).join('\n')}\n`);
process.exitCode = asked.some(({ ok }) => ok) ? 0 : 1;
