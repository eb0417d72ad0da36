/** The console's own look: a plain one, and visibly another product than Countersign. */
export const style = `
:root { --ink: #1d2b36; --soft: #586873; --line: #c9d3d9; --paper: #fff; --ground: #eef2f4; --brand: #0b4f6c; --act: #0f6d4f; --bad: #a3261f; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.5 Verdana, "DejaVu Sans", Geneva, sans-serif; overflow-wrap: break-word; }
.simulated { margin: 0; padding: 4px 24px; background: #ffe9a8; color: #4d3b00; font-size: 12px; text-align: center; }
header { display: flex; flex-wrap: wrap; align-items: center; gap: 8px 32px; padding: 0 24px; background: var(--brand); color: #fff; min-height: 56px; }
header a { color: #fff; text-decoration: none; }
.brand { font-weight: bold; font-size: 18px; padding: 12px 0; }
.brand span { font-weight: normal; opacity: .8; }
header nav { display: flex; gap: 4px; align-self: stretch; }
header nav a { display: flex; align-items: center; padding: 0 16px; border-bottom: 4px solid transparent; border-top: 4px solid transparent; min-height: 48px; }
header nav a:hover { background: #ffffff1f; }
header nav a[aria-current] { border-bottom-color: #7fd1ae; font-weight: bold; }
.account { margin-left: auto; display: flex; align-items: center; gap: 12px; }
.account .quiet { background: transparent; color: #fff; border-color: #ffffff80; }
main { max-width: 1000px; margin: 0 auto; padding: 24px 24px 64px; }
h1 { font-size: 24px; line-height: 1.3; margin: 0 0 16px; }
h2 { font-size: 18px; margin: 0; }
h3 { font-size: 16px; margin: 0 0 8px; }
p { margin: 0 0 12px; }
a { color: #0a5a7d; }
.card { background: var(--paper); border: 1px solid var(--line); border-radius: 3px; padding: 20px 24px; margin: 0 0 20px; }
.card > * + h2 { margin-top: 8px; }
.card > :last-child, .wide:last-child { margin-bottom: 0; }
.card > h2 { margin-bottom: 12px; }
.title { display: flex; align-items: center; gap: 12px; margin-bottom: 12px; }
.title .state { margin-left: auto; }
.logo { flex: none; display: grid; place-items: center; width: 40px; height: 40px; border-radius: 3px; background: #d9e6ec; color: var(--brand); font-weight: bold; font-size: 20px; }
.inactive .logo { background: #e4e7e9; color: #6b7780; }
.integration p:last-child { margin-bottom: 0; }
.off { color: var(--soft); }
#gradient-msp { border-top: 4px solid var(--brand); scroll-margin-top: 8px; }
label { font-weight: bold; font-size: 13px; }
input[type=text], input[type=search], input[type=email], input[type=password], input[type=number], input:not([type]) { display: block; width: 100%; font: inherit; padding: 7px 10px; border: 1px solid #84949e; border-radius: 3px; background: #fff; color: inherit; }
input[type=checkbox] { width: 18px; height: 18px; margin: 0; vertical-align: middle; accent-color: var(--act); }
::placeholder { color: #66747d; opacity: 1; }
button { font: inherit; font-weight: bold; padding: 7px 18px; border: 1px solid var(--act); border-radius: 3px; background: var(--act); color: #fff; cursor: pointer; }
button:hover { filter: brightness(.92); }
button.quiet { background: #fff; color: var(--ink); border-color: #84949e; font-weight: normal; }
button:disabled { background: #dfe4e7; border-color: #c3ccd2; color: #5b6770; cursor: default; filter: none; }
:focus-visible { outline: 3px solid #f0a500; outline-offset: 1px; }
.notice { margin: 0 0 16px; padding: 10px 14px; border-left: 5px solid #2b7fa8; background: #e6f1f6; }
.notice.good { border-color: var(--act); background: #e2f3ec; }
.notice.bad { border-color: var(--bad); background: #fbe7e5; color: #6e1410; }
.notice p { margin: 0 0 6px; }
progress { width: 100%; height: 12px; accent-color: var(--act); }
.state { display: inline-block; padding: 1px 10px; border-radius: 10px; background: #e4e7e9; color: #47545d; font-size: 12px; white-space: nowrap; }
.state.on { background: #cfeedd; color: #0a4a35; }
.wide { overflow-x: auto; margin: 0 0 12px; border: 1px solid var(--line); }
table { width: 100%; overflow-wrap: break-word; border-collapse: collapse; background: #fff; }
th, td { text-align: left; padding: 7px 12px; border-bottom: 1px solid #e1e7ea; vertical-align: middle; }
tr:last-child > td { border-bottom: 0; }
thead th { background: #f4f7f8; font-size: 13px; border-bottom: 1px solid var(--line); }
td label { font-weight: normal; font-size: inherit; display: block; }
td:has(> input[type=checkbox]), th:has(> input[type=checkbox]) { width: 44px; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.search { display: flex; flex-wrap: wrap; align-items: center; gap: 8px; margin: 0 0 12px; }
.search label { flex-basis: 100%; }
.search input { flex: 1 1 200px; width: auto; max-width: 420px; }
.pager { display: flex; flex-wrap: wrap; gap: 4px 16px; margin: 0 0 24px; }
.pager span:first-child { margin-right: auto; }
.integration .pager { margin-bottom: 0; }
.submit { display: flex; flex-wrap: wrap; align-items: center; gap: 8px 16px; margin: 0 0 12px; }
.key { display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: 6px 8px; align-items: center; }
.key label, .key p { grid-column: 1 / -1; margin: 0; }
.key input { min-width: 0; }
.integration section { border-top: 1px solid var(--line); padding-top: 16px; margin-top: 20px; }
.actions { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(300px, 100%), 1fr)); gap: 0 32px; }
.actions form { margin: 0 0 12px; }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: 4px 20px; margin: 0 0 16px; }
.facts dt { color: var(--soft); }
.facts dd { margin: 0; font-variant-numeric: tabular-nums; }
.trail { margin: 0; font-size: 13px; }
.tabs { display: flex; gap: 4px; margin: 0 0 20px; border-bottom: 1px solid var(--line); }
.tabs a { padding: 8px 16px; text-decoration: none; border-bottom: 3px solid transparent; }
.tabs a[aria-current] { border-color: var(--brand); color: inherit; font-weight: bold; }
.chosen { display: flex; flex-wrap: wrap; align-items: center; gap: 8px 16px; margin: 0 0 16px; padding: 10px 14px; background: #e2f3ec; }
.results { display: grid; max-height: 420px; overflow-y: auto; border: 1px solid var(--line); margin: 0 0 16px; }
.results:empty { display: none; }
.results button { display: flex; justify-content: space-between; gap: 16px; text-align: left; border: 0; border-bottom: 1px solid #e1e7ea; border-radius: 0; background: #fff; color: inherit; font-weight: normal; outline-offset: -3px; }
.results button > span:last-child:not(.state) { color: #0a5a7d; text-decoration: underline; flex: none; }
.fields { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(220px, 100%), 1fr)); gap: 8px 16px; margin: 0 0 12px; }
.fields input { margin-top: 4px; font-weight: normal; }
.login { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(320px, 100%), 1fr)); gap: 0 20px; align-items: start; max-width: 800px; margin: 32px auto 0; }
.login h1 { font-size: 20px; }
.login label { display: block; margin-top: 12px; }
.login button { margin-top: 16px; }
.hint ul { margin: 0; padding: 0; list-style: none; }
.hint li { padding: 4px 0; }
.hint span { color: var(--soft); }
code { white-space: nowrap; font-family: "DejaVu Sans Mono", Menlo, Consolas, monospace; font-size: .92em; }
@media (max-width: 600px) {
  header, main, .simulated { padding-left: 14px; padding-right: 14px; }
  header { gap: 0 16px; padding-bottom: 0; }
  header nav { order: 3; flex-basis: 100%; }
  .card { padding: 16px 14px; }
  .spare { display: none; }
  .pager span:first-child { flex-basis: 100%; }
  th, td { padding: 7px 8px; }
}
`;
