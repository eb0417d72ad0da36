/**
 * A process in which one of our programs, api or worker, runs for one test file after the other, so that its code is loaded once and
 * warm from then on: half of what a start computes (measured). A program runs as in production, from its main.js. Only where it would
 * end its process because it was asked to stop, the process stays for the next one; a signal ends it as ever.
 *
 * The process that started it tells it by messages what to do, and ends it by its own end:
 *   { start: the path of a main.js, env: its whole environment } · { stop: true }, answered by { stopped: true }
 */
import { pathToFileURL } from 'node:url';

const exit = process.exit.bind(process);
let starts = 0;
/** Set while a program is being stopped by message. */
let stopped;

process.exit = (code) => {
  if (stopped && !code) stopped();
  else exit(code);
};
process.on('disconnect', () => exit(0));
process.on('message', ({ start, env }) => {
  if (start) run(start, env);
  else stop();
});

function run(file, env) {
  for (const name of Object.keys(process.env)) if (!(name in env)) delete process.env[name];
  Object.assign(process.env, env);
  // A program that comes to its end by itself ends the process, as in production.
  process.channel.unref();
  // Another address is another module: main.js runs anew, and what it imports is there already.
  void import(`${pathToFileURL(file).href}?start=${(starts += 1)}`).then(() => stopped?.());
}

function stop() {
  stopped = () => {
    stopped = undefined;
    process.channel.ref();
    // What is to happen with a signal, or with an error that nobody caught, is for the next program to say.
    for (const event of ['SIGINT', 'SIGTERM', 'uncaughtException']) process.removeAllListeners(event);
    process.send({ stopped: true });
  };
  process.emit('SIGTERM', 'SIGTERM');
}
