/** The style sheet of a page: dark and light as the reader has it, nothing loaded. */

/** Put into the head. */
export const PAGE_STYLE = `
:root{color-scheme:light dark;--page:#fcfcfb;--card:#fff;--ink:#1c1f23;--soft:#5b636d;--rule:#e3e5e8;--more:#b3261e;--less:#1f5fa8}
@media (prefers-color-scheme:dark){:root{--page:#14171a;--card:#1b1f23;--ink:#e8eaed;--soft:#a3abb5;--rule:#30363c;--more:#ff8a80;--less:#7fb8e6}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1600px;padding:20px 20px 64px;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
h1{font-size:23px;margin:0 0 2px}
h2{font-size:17px;margin:28px 0 4px}
header p,.reading{color:var(--soft);margin:0 0 10px;max-width:100ch}
.controls{display:flex;flex-wrap:wrap;gap:8px 14px;align-items:center;margin:12px 0 8px}
.controls input[type=search]{min-width:24ch}
button,select,input{font:inherit}
#legend{display:flex;flex-wrap:wrap;gap:4px 6px;margin:0 0 8px;padding:0;list-style:none}
#legend button{display:flex;gap:6px;align-items:center;border:1px solid var(--rule);border-radius:999px;background:var(--card);color:inherit;padding:1px 10px 1px 6px;font-size:13px;cursor:pointer}
#legend button[aria-pressed=true]{outline:2px solid var(--ink)}
#legend i,td i{display:inline-block;width:11px;height:11px;border-radius:3px}
td i{margin-right:7px}
#chart{background:var(--card);border:1px solid var(--rule);border-radius:6px;overflow:hidden}
#details{position:sticky;bottom:0;min-height:1.6em;margin:0;padding:4px 8px;background:var(--card);border:1px solid var(--rule);border-radius:6px;font:13px/1.4 ui-monospace,monospace;overflow-wrap:anywhere}
.d3-flame-graph rect{stroke:var(--card);fill-opacity:1}
.d3-flame-graph-label{font:12px/18px system-ui,sans-serif!important;color:#17191c!important}
.tables{display:grid;grid-template-columns:minmax(0,1fr) minmax(0,2fr);gap:0 32px}
@media (max-width:1000px){.tables{grid-template-columns:minmax(0,1fr)}}
table{border-collapse:collapse;width:100%;font-size:13.5px}
th,td{padding:2px 10px 2px 0;text-align:right;border-bottom:1px solid var(--rule);font-variant-numeric:tabular-nums;white-space:nowrap}
th:first-child,td:first-child{text-align:left;white-space:normal;overflow-wrap:anywhere}
th{color:var(--soft);font-weight:500}
tr:last-child.all td{font-weight:600}
.more{color:var(--more)}
.less{color:var(--less)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:0 16px;margin:4px 0;font-size:13.5px}
dt{color:var(--soft)}
dd{margin:0}
`;
