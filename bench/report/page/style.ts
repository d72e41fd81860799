/** The style sheet of the page: dark and light as the reader has it, nothing loaded. */
import { paletteCss } from '../plot/palette.ts';

const RULES = `
:root{color-scheme:light dark;--page:#fcfcfb;--card:#fff;--ink:#1c1f23;--soft:#5b636d;--rule:#e3e5e8;--good:#00744f;--bad:#b3261e;--open:#8a5a00}
@media (prefers-color-scheme:dark){:root{--page:#14171a;--card:#1b1f23;--ink:#e8eaed;--soft:#a3abb5;--rule:#30363c;--good:#4fd1a1;--bad:#ff8a80;--open:#f0c34a}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1240px;padding:24px 20px 64px;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
header p,.reading{color:var(--soft);margin:0 0 14px;max-width:78ch}
h1{font-size:26px;margin:0 0 2px}
h2{font-size:19px;margin:40px 0 2px}
h3{font-size:15px;margin:20px 0 4px}
nav{margin:10px 0 0}
nav a{color:inherit;margin-right:16px;white-space:nowrap}
.plots{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,500px),1fr));gap:16px}
figure{margin:0;padding:12px 12px 4px;background:var(--card);border:1px solid var(--rule);border-radius:8px}
figcaption,caption{font-weight:600;text-align:left;margin-bottom:4px}
svg{display:block;width:100%;height:auto;font:12px system-ui,sans-serif;overflow:visible}
svg text{fill:var(--ink)}
svg .tick,svg .name{fill:var(--soft)}
svg .group{font-weight:600}
svg .amount{font-variant-numeric:tabular-nums}
.grid{stroke:var(--rule)}
.axis{stroke:var(--soft)}
.level{stroke:var(--soft);stroke-dasharray:3 3}
.line{fill:none;stroke:var(--c);stroke-width:2;stroke-dasharray:var(--d);stroke-linejoin:round}
.faint .line{stroke-width:1.25;opacity:.55}
.bar{stroke:var(--c);stroke-width:2.5}
.stem{stroke:var(--c);stroke-width:1;opacity:.35}
.mark{fill:var(--c);stroke:var(--card);stroke-width:1}
.hit{fill:transparent}
.tip:hover .mark{stroke:var(--ink);stroke-width:1.5}
.legend{display:flex;flex-wrap:wrap;gap:4px 20px;list-style:none;margin:0 0 12px;padding:0}
.legend li{display:flex;align-items:center;gap:7px}
.legend svg{width:34px;height:14px}
.scroll{overflow-x:auto;margin:0 0 18px}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{padding:4px 12px 4px 0;text-align:right;border-bottom:1px solid var(--rule);white-space:nowrap}
thead th{color:var(--soft);font-weight:500;font-size:13px;vertical-align:bottom}
th[title]{cursor:help}
tr>:first-child,.verdicts th,.verdicts td{text-align:left}
.verdicts td{white-space:normal}
.verdicts .outcome{font-weight:600;white-space:nowrap}
.pass .outcome{color:var(--good)}
.fail .outcome{color:var(--bad)}
.undecided .outcome{color:var(--open)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:2px 18px;margin:0}
dt{color:var(--soft)}
dd{margin:0;overflow-wrap:anywhere}
.notes{padding-left:18px}
pre{background:var(--card);border:1px solid var(--rule);border-radius:8px;padding:10px 12px;overflow-x:auto}
#tip{position:fixed;z-index:1;pointer-events:none;padding:3px 9px;border-radius:6px;background:var(--ink);color:var(--page);font-size:13px;visibility:hidden;max-width:min(80ch,90vw);white-space:pre-line}
@media print{.plots{display:block}figure{break-inside:avoid;margin-bottom:12px}}
`;

/** All rules. */
export function pageStyle(): string {
  return `${paletteCss()}${RULES}`;
}
