/** What goes on in the organization, as one stream of server-sent events. */
import { z } from '@hono/zod-openapi';
import { streamSSE } from 'hono/streaming';
import type { ApiDependencies } from '../context.ts';
import { createRouter, route } from '../define.ts';
import { createLiveNews } from '../live.ts';
import { callerOf } from '../middleware/authenticate.ts';
import { ApiProblem } from '../problem.ts';
import { sendProblem } from '../streamProblem.ts';
import { exampleLive, liveSchema } from '../views/live.ts';

/** After this a proxy in between may take a silent stream for dead. */
const heartbeatMs = 15_000;
/** How long a stream may outlive the token or the session with which it was opened. */
const askAgainMs = 5_000;

const follow = route({
  method: 'get',
  path: '/v1/events',
  operationId: 'followOrganization',
  summary: 'What goes on: integrations, their syncs, approvals and what waits for whom, as server-sent events',
  tag: 'Health',
  scope: 'read',
  request: {
    query: z.object({
      once: z.enum(['true']).optional().openapi({ description: 'Only what is now: one event, and the stream ends' }),
    }),
    headers: z.object({
      'last-event-id': z
        .string()
        .max(100)
        .optional()
        .openapi({ description: 'The id of the last event that arrived: if nothing is newer, nothing is sent' }),
    }),
  },
  ok: 200,
  answer: liveSchema,
  problems: { 429: ['too-many-streams'] },
  example: exampleLive,
  stream: true,
});

/** @param deps for the looks at the database, which all streams of this api share */
export function eventRoutes(deps: ApiDependencies) {
  const routes = createRouter();
  const news = createLiveNews(deps);

  routes.openapi(follow, (c) => {
    const { organizationId } = c.get('caller');
    const once = c.req.valid('query').once === 'true';
    let known = once ? undefined : c.req.valid('header')['last-event-id'];
    const follower = news.follow(organizationId);
    // A proxy must not gather the events until there are many.
    c.header('x-accel-buffering', 'no');
    return streamSSE(c, async (stream) => {
      stream.onAbort(() => follower.leave());
      try {
        // What tells a browser, or a proxy, at once that the stream is open, though nothing may be newer than what is known.
        await stream.write(': open\n\n');
        for (let quietMs = 0; !stream.aborted; ) {
          const picture = await follower.next(known, askAgainMs);
          if (stream.aborted) return;
          if ((await callerOf(c)).organizationId !== organizationId) return;
          if (picture) {
            await stream.writeSSE({ id: picture.id, event: 'live', data: picture.data });
            if (once) return;
            [known, quietMs] = [picture.id, 0];
          } else if ((quietMs += askAgainMs) >= heartbeatMs) {
            await stream.write(': still here\n\n');
            quietMs = 0;
          }
        }
      } catch (error) {
        const otherwise = new ApiProblem(503, 'stream-broke', 'The stream broke. Follow again in a moment.');
        await sendProblem(c, stream, error, otherwise);
      } finally {
        follower.leave();
        deps.logger.debug({ requestId: c.get('requestId') }, 'an event stream ended');
      }
    });
  });
  return routes;
}
