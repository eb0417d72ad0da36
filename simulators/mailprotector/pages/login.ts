import { html } from 'hono/html';
import type { SimAnswer } from '../../kit/simulator.ts';
import { consolePassword } from '../managers.ts';
import { noticeBox, show } from './layout.ts';

/**
 * @param next the address of the page that follows the login
 * @param wrong why the last attempt failed, and the e-mail address with which it was made
 */
export function loginPage(
  managers: readonly { name: string; email: string }[],
  next: string,
  wrong?: { message: string; email: string },
): Promise<SimAnswer> {
  const body = html`<div class="login">
    <form method="post" action="/login" class="card">
      <h1>Log in to the Mailprotector Console</h1>
      ${noticeBox(wrong && { tone: 'bad', text: wrong.message })}
      <input type="hidden" name="next" value="${next}" />
      <label for="email">E-mail address</label>
      <input
        id="email"
        name="email"
        type="email"
        required
        autofocus
        autocomplete="username"
        value="${wrong?.email ?? ''}"
      />
      <label for="password">Password</label>
      <input id="password" name="password" type="password" required autocomplete="current-password" />
      <button>Log in</button>
    </form>
    <section class="card hint" aria-labelledby="who">
      <h2 id="who">Who can log in</h2>
      <p>This is a simulator, so here are all its managers. Each has the password <code>${consolePassword}</code>.</p>
      <ul>
        ${managers.map(({ name, email }) => html`<li><code>${email}</code> <span>${name}</span></li>`)}
      </ul>
    </section>
  </div>`;
  return show({ title: 'Log in', body }, wrong ? 401 : 200);
}
