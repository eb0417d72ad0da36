/** A part of the console that is loaded when it is first needed. */
import { lazyRouteComponent as lazy } from '@tanstack/react-router';
import { noteLost, onHealed } from './api/connection.ts';

/**
 * As the router's own. That one loads the console anew where a part does not come, because a newer console was put in place and the
 * part is gone with the old one. This one waits with that until Countersign answers: a person whose api is being restarted would be left
 * at an error page of the browser's own.
 */
export const lazyRouteComponent: typeof lazy = (load, name) => lazy(() => load().catch(loadAnew), name);

async function loadAnew(): Promise<never> {
  const anew = () => window.location.reload();
  const answers = await fetch('/healthz', { cache: 'no-store' }).then(
    ({ ok }) => ok,
    () => false,
  );
  if (answers) anew();
  else {
    onHealed(anew);
    noteLost();
  }
  return new Promise<never>(() => undefined);
}
