/** The few lines that run in the browser; every page works without them. */
export const script = `
'use strict';
// The element of this id, as the page at the address has it now.
async function read(id, address) {
  const response = await fetch(address, { redirect: 'manual' });
  if (!response.ok) return undefined;
  return new DOMParser().parseFromString(await response.text(), 'text/html').getElementById(id) ?? undefined;
}

// A search whose results follow the typing.
for (const form of document.querySelectorAll('form[data-searches]')) {
  let timer;
  let asked = 0;
  form.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      const mine = ++asked;
      const id = form.dataset.searches;
      const fresh = await read(id, form.action + '?' + new URLSearchParams(new FormData(form)));
      // A later answer must not be replaced by an earlier one that was slower.
      if (fresh && mine === asked) document.getElementById(id).replaceWith(fresh);
    }, 150);
  });
}

// Select all: those of the other pages too. A row that is taken away again is left out of all.
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

// What is at work is looked at until it is done; then the whole page is.
async function watch() {
  for (const old of document.querySelectorAll('[data-running]')) {
    // The simulator may be away for a moment.
    const fresh = await read(old.id, location.href).catch(() => old);
    if (!fresh?.hasAttribute('data-running')) return location.reload();
    old.replaceWith(fresh);
  }
  if (document.querySelector('[data-running]')) setTimeout(watch, 1000);
}
setTimeout(watch, 1000);
`;
