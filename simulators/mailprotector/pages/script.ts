/** The script that runs in the browser. Every page works without it. */
export const script = `
'use strict';
// Reads the element of an id from the page at an address, as it is now.
async function read(id, address) {
  const response = await fetch(address, { redirect: 'manual' });
  if (!response.ok) return undefined;
  return new DOMParser().parseFromString(await response.text(), 'text/html').getElementById(id) ?? undefined;
}

// A search shows its results while a person types.
for (const form of document.querySelectorAll('form[data-searches]')) {
  let timer;
  let asked = 0;
  form.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      const mine = ++asked;
      const id = form.dataset.searches;
      const fresh = await read(id, form.action + '?' + new URLSearchParams(new FormData(form)));
      // The answer to an earlier search may come late; it must not replace the answer to a later one.
      if (fresh && mine === asked) document.getElementById(id).replaceWith(fresh);
    }, 150);
  });
}

// *Select all* also selects the rows of other pages. A row that is unticked afterwards is left out.
for (const form of document.querySelectorAll('form[data-selects]')) {
  const { all, except } = form.elements;
  const rows = [...form.querySelectorAll('input[name=customer]')];
  const total = Number(form.dataset.selects);
  const show = () => {
    const off = rows.filter((row) => !row.checked);
    except.value = all.checked ? off.map((row) => row.value).join(',') : '';
    all.indeterminate = all.checked && off.length > 0;
    const selected = all.checked ? total - off.length : rows.length - off.length;
    form.querySelector('[data-selected]').textContent =
      selected === 0 ? '' : selected.toLocaleString('en-US') + ' of ' + total.toLocaleString('en-US') + ' selected';
  };
  all.addEventListener('change', () => {
    for (const row of rows) row.checked = all.checked;
    show();
  });
  for (const row of rows) row.addEventListener('change', show);
  show();
}

// The progress of an action is read again and again until the action has ended; then the whole page is loaded again.
async function watch() {
  for (const old of document.querySelectorAll('[data-running]')) {
    // The simulator may not answer for a moment.
    const fresh = await read(old.id, location.href).catch(() => old);
    if (!fresh?.hasAttribute('data-running')) return location.reload();
    old.replaceWith(fresh);
  }
  if (document.querySelector('[data-running]')) setTimeout(watch, 1000);
}
setTimeout(watch, 1000);
`;
