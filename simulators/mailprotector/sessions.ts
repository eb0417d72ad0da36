/** The sessions of the console. Its pages name a session with a cookie, its JSON endpoints with the header `x-session`. */
import { ConsoleProblem } from './consoleProblem.ts';
import { consolePassword } from './managers.ts';

/** The outcome of a click, which the next page shows once. */
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

/** @param managers the managers who may log in, all with the same password */
export function createSessions(managers: () => { name: string; email: string }[]) {
  const sessions = new Map<string, Session>();
  return {
    managers,
    /** @throws ConsoleProblem 401 when the name or the password is wrong */
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
