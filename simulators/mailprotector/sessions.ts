/** Who is logged in to the console. Pages and JSON endpoints share it: a cookie or the header `x-session` names the session. */
import { ConsoleProblem } from './consoleProblem.ts';
import { consolePassword } from './managers.ts';

/** What came of a click, shown once on the page that follows. */
export interface Notice {
  tone: 'good' | 'bad';
  text: string;
}

export interface Session {
  id: string;
  name: string;
  email: string;
  notice?: Notice;
}

export type Sessions = ReturnType<typeof createSessions>;

/** @param managers who may log in; all of them have the simulator's one password */
export function createSessions(managers: () => { name: string; email: string }[]) {
  const sessions = new Map<string, Session>();
  return {
    managers,
    /** @throws ConsoleProblem 401 */
    login(email: string, password: string): Session {
      const wanted = email.trim().toLowerCase();
      const manager = managers().find((each) => each.email.toLowerCase() === wanted);
      if (!manager || password !== consolePassword) throw new ConsoleProblem(401, 'Wrong e-mail address or password.');
      const session = { id: crypto.randomUUID(), name: manager.name, email: manager.email };
      sessions.set(session.id, session);
      return session;
    },
    find: (id: string) => sessions.get(id),
    end: (id: string) => void sessions.delete(id),
  };
}
